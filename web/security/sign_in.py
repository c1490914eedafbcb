"""Checking who signs in with a name and a token, and counting what was wrong."""

from __future__ import annotations

from flask import request

from provider.config.settings import TokenSettings, WebSettings
from web.security.addresses import Trusted, group_of
from web.security.attempts import Attempts
from web.security.sessions import Sessions, find_token

WINDOW_SECONDS = 900.0
FAILURES_PER_ADDRESS = 10
FAILURES_PER_NAME = 30


class SignIn:
    """Checks what was typed into the form, and counts what was wrong, by address and by name."""

    def __init__(self, web: WebSettings, sessions: Sessions) -> None:
        self.sessions = sessions
        self._tokens = web.tokens
        self._trusted = Trusted(web.proxy.trusted_addresses)
        self._by_address = Attempts(FAILURES_PER_ADDRESS, WINDOW_SECONDS)
        self._by_name = Attempts(FAILURES_PER_NAME, WINDOW_SECONDS)

    def check(self, name: str, text: str) -> tuple[TokenSettings | None, float]:
        """Return the token, or None; the seconds say how long to wait when it was not even looked at."""
        address = group_of(self._trusted.find_client(request.remote_addr, request.headers.get("X-Forwarded-For")))
        wait = self._by_address.take(address) or self._by_name.take(name)
        if wait:
            return None, wait
        token = find_token(self._tokens, text, name)
        if token is not None:
            self._by_address.give_back(address)
            self._by_name.give_back(name)
        return token, 0.0
