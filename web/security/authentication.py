"""Finding out who asks: one class for each `web.auth`, and one for the application that the dashboard is part of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from flask import Request
from werkzeug.exceptions import Forbidden, TooManyRequests

from provider.config.settings import ProxySettings, WebRole, WebSettings
from web.security.addresses import Trusted, group_of, is_loopback, parse_address
from web.security.attempts import Attempts
from web.security.principal import Principal
from web.security.sessions import COOKIE, Sessions, find_token

BEARER = "bearer "
BEARER_FAILURES = 100
WINDOW_SECONDS = 900.0


class Authenticator(Protocol):
    """Finds out who asks."""

    def identify(self, request: Request) -> Principal | None:
        """Return who asks; None when they may sign in first. Raise `Forbidden` when they cannot."""


class Local:
    """`none`: whoever is on this machine is its operator. Nobody else is let in, however the server was started."""

    def identify(self, request: Request) -> Principal:
        """Take everybody on this machine."""
        if not is_loopback(request.remote_addr):
            raise Forbidden("web.auth is none, which is for this machine only; set it to token or proxy")
        return Principal("local", "operator", "local")


class TokenHolders:
    """`token`: a session cookie from the login form, or the token itself as `Authorization: Bearer`."""

    def __init__(self, web: WebSettings, sessions: Sessions) -> None:
        self._tokens = web.tokens
        self._trusted = Trusted(web.proxy.trusted_addresses)
        self._sessions = sessions
        self._failures = Attempts(BEARER_FAILURES, WINDOW_SECONDS)

    def identify(self, request: Request) -> Principal | None:
        """Take who shows a token or a session."""
        header = request.headers.get("Authorization", "")
        if header[: len(BEARER)].lower() == BEARER:
            return self._bearer(request, header[len(BEARER) :].strip())
        token = self._sessions.find(request.cookies.get(COOKIE, ""))
        return None if token is None else Principal(token.name, token.role, "session")

    def _bearer(self, request: Request, text: str) -> Principal | None:
        client = group_of(self._trusted.find_client(request.remote_addr, request.headers.get("X-Forwarded-For")))
        wait = self._failures.take(client)
        if wait:
            raise TooManyRequests("too many wrong tokens came from your address; wait", retry_after=int(wait) + 1)
        token = find_token(self._tokens, text)
        if token is None:
            return None
        self._failures.give_back(client)
        return Principal(token.name, token.role, "bearer")


class ProxyUsers:
    """`proxy`: who asks is what a trusted proxy says in a header; the header of anybody else counts for nothing."""

    def __init__(self, proxy: ProxySettings) -> None:
        self._proxy = proxy
        self._trusted = Trusted(proxy.trusted_addresses)

    def identify(self, request: Request) -> Principal:
        """Take whom the proxy names."""
        if parse_address(request.remote_addr) not in self._trusted:
            raise Forbidden("this address is not in web.proxy.trusted_addresses; go through the proxy")
        user = request.headers.get(self._proxy.user_header, "").strip()
        # A comma is what a server makes of two headers: what the client sent, and what the proxy added to it.
        if not user or "," in user or not user.isprintable():
            raise Forbidden(f"the proxy must name one user in {self._proxy.user_header}, in place of what clients send")
        role = self._role_of(user, request)
        if role == "none":
            raise Forbidden(f"{user} has no role here; ask for one in web.proxy.roles")
        return Principal(user, role, "proxy")

    def _role_of(self, user: str, request: Request) -> Literal["none"] | WebRole:
        named = [user]
        if self._proxy.role_header is not None:
            named = [part.strip() for part in request.headers.get(self._proxy.role_header, "").split(",")]
        roles = {self._proxy.roles[name] for name in named if name in self._proxy.roles}
        return "operator" if "operator" in roles else "viewer" if roles else self._proxy.default_role


class HostApplication:
    """The application around the dashboard's blueprint says who asks."""

    def __init__(self, ask: Callable[[], tuple[str, WebRole] | None]) -> None:
        self._ask = ask

    def identify(self, request: Request) -> Principal:
        """Take whom the application names."""
        answer = self._ask()
        if answer is None:
            raise Forbidden("the application around this dashboard lets you see it only after you signed in there")
        return Principal(*answer, "host")
