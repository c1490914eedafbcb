"""Requests that another site made a browser send (CSRF): refused for everything that changes something."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from web.security.principal import Principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
AMBIENT = frozenset({"session", "proxy", "host"})
"""Proofs that a browser adds by itself, whoever made it send the request."""


def is_foreign(
    method: str, headers: Mapping[str, str], host: str, principal: Principal | None, public_url: str | None
) -> bool:
    """Tell whether another site may have made this request.

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
