"""Requests that a page elsewhere made: by a name of its own that points here, or by a browser that has signed in.

A page elsewhere can make its own name point here (DNS rebinding); the browser then takes this server for that page, and
what it says in `Host` gives it away: the foreign name. Or it makes a browser send something (CSRF), which is refused
for everything that changes something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from provider.config.settings import WebSettings
from web.security.principal import Principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
AMBIENT = frozenset({"session", "proxy", "host"})
"""Proofs that a browser adds by itself, whoever made it send the request."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(:[0-9]{1,5})?")
_ALWAYS = ("localhost", "127.0.0.1", "[::1]")
_ANY = ("0.0.0.0", "::")  # noqa: S104  # not a bind: addresses that are no names


class Hosts:
    """The names from the configuration, and this machine's own; a name without a port is allowed with any."""

    def __init__(self, web: WebSettings) -> None:
        own = [] if web.host in _ANY else [f"[{web.host}]" if ":" in web.host else web.host]
        public = [urlsplit(web.public_url).netloc] if web.public_url else []
        self._names = frozenset(name.lower() for name in (*_ALWAYS, *own, *public, *web.allowed_hosts))

    def allows(self, host: str) -> bool:
        """Whether a `Host` header names this dashboard."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name, port = match[1], match[2] or ""
        return name in self._names or f"{name}{port}" in self._names


def is_foreign(
    method: str, headers: Mapping[str, str], host: str, principal: Principal | None, public_url: str | None
) -> bool:
    """Whether another site may have made this request.

    What the browser says in Sec-Fetch-Site counts; where it says nothing, the Origin; a client that says neither is no
    browser of today, and is let through only when it proves itself by something that browsers do not add on their own.
    """
    if method in SAFE or (principal is not None and principal.how == "bearer"):
        return False
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("Origin")
    if origin is not None:
        return not _is_own(origin, host, public_url)
    return principal is not None and principal.how in AMBIENT


def _is_own(origin: str, host: str, public_url: str | None) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if public_url is not None:
        public = urlsplit(public_url)
        if (parts.scheme, parts.netloc.lower()) == (public.scheme, public.netloc.lower()):
            return True
    # Only the host: whether TLS ends in a proxy is not known here.
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
