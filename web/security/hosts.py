"""Which names the dashboard answers to.

A page elsewhere can make its own name point here (DNS rebinding); the browser then takes this server for that page.
What the browser says in `Host` gives it away: it is the foreign name.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from provider.config.settings import WebSettings

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
        """Tell whether a `Host` header names this dashboard."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name, port = match[1], match[2] or ""
        return name in self._names or f"{name}{port}" in self._names
