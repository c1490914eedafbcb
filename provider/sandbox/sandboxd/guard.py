"""Who may ask: only who has the token, by a name of this server, and no web page.

Who this sandbox is stands in the environment: `{"token_sha256", "sandbox", "generation", "name"}`. The token itself is
not here: whoever looks into the container, or at how it was started, cannot ask either.
"""

from __future__ import annotations

import json
import socket
from importlib import import_module

from .wire import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

VARIABLE = "SANDBOXD_IDENTITY"


def _find(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        return None


# What `hashlib` and `hmac` export too, but those load OpenSSL, which takes as long as all the rest.
sha256 = (_find("_sha2") or _find("_sha256") or import_module("hashlib")).sha256
compare_digest = getattr(_find("_operator"), "_compare_digest", None) or import_module("hmac").compare_digest


class Guard:
    """Looks at the head of every request, before its body is read."""

    def __init__(self, identity: dict[str, Any]) -> None:
        self.identity = {name: identity[name] for name in ("sandbox", "generation") if name in identity}
        self._digest = str(identity.get("token_sha256") or "")
        own = {"localhost", socket.gethostname().lower()}
        self._names = own | {str(identity["name"]).lower()} if identity else None

    def check(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Raise `Malformed` for who may not ask: the request's body is then not read."""
        host = headers.get("host", "")
        if not self._is_own(host):
            raise Malformed(403, "the Host is not this server")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{host}".lower(), f"https://{host}".lower()}:
            raise Malformed(403, "requests of web pages are refused")
        if self._digest and not compare_digest(_digest_of_token(headers), self._digest):
            raise Malformed(401, "the token of this sandbox is missing or wrong: send `Authorization: Bearer TOKEN`")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = "multipart/form-data" if path == "/v1/file/upload" else "application/json"
        if method == "POST" and kind != wanted:
            raise Malformed(415, f"the Content-Type has to be {wanted}")

    def _is_own(self, host: str) -> bool:
        """Whether a Host is an address or a name of this server: a page that DNS led here has a foreign name.

        A server that was not told its name takes any without a dot, as containers have them.
        """
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if _is_address(name):
            return True
        return name.lower() in self._names if self._names else bool(name) and "." not in name


def take_identity(environment: MutableMapping[str, str]) -> dict[str, Any]:
    """Take from the environment, before any command sees it, who this is; without it nobody needs a token."""
    text = environment.pop(VARIABLE, "")
    identity: dict[str, Any] = json.loads(text) if text else {}
    if text and not identity.get("token_sha256"):
        raise SystemExit(f"sandboxd: {VARIABLE} holds no token")
    return identity


def _digest_of_token(headers: dict[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return sha256(token.strip().encode("utf-8", "replace")).hexdigest() if scheme.lower() == "bearer" else ""


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
        except (OSError, ValueError):  # a NUL among them
            continue
        return True
    return False
