"""Signing in with a token and out again, for people."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from provider.config.settings import TokenSettings, WebSettings
from web.rendering import render
from web.routes import Route
from web.security.addresses import Trusted, group_of
from web.security.attempts import Attempts
from web.security.sessions import COOKIE, Sessions
from web.security.tokens import find_token
from web.services import services
from web.urls import url_for

WINDOW_SECONDS = 900.0
FAILURES_PER_ADDRESS = 10
FAILURES_PER_NAME = 30
LONGEST_NAME = 64
LONGEST_NEXT = 2000


class SignIn:
    """Checks what was typed into the form, and counts what was wrong, by address and by name."""

    def __init__(self, web: WebSettings, sessions: Sessions) -> None:
        self.sessions = sessions
        self._tokens = web.tokens
        self._trusted = Trusted(web.proxy.trusted_addresses)
        self._by_address = Attempts(FAILURES_PER_ADDRESS, WINDOW_SECONDS)
        self._by_name = Attempts(FAILURES_PER_NAME, WINDOW_SECONDS)

    def check(self, name: str, text: str) -> tuple[TokenSettings | None, float]:
        """Find the token, or None; the seconds say how long to wait when it was not even looked at."""
        address = group_of(self._trusted.find_client(request.remote_addr, request.headers.get("X-Forwarded-For")))
        wait = self._by_address.take(address) or self._by_name.take(name)
        if wait:
            return None, wait
        token = find_token(self._tokens, text, name)
        if token is not None:
            self._by_address.give_back(address)
            self._by_name.give_back(name)
        return token, 0.0


def show() -> ResponseReturnValue:
    """Show the form."""
    _sign_in()
    return _form()


def sign_in() -> ResponseReturnValue:
    """Let somebody in who shows a token."""
    checker = _sign_in()
    name = request.form.get("name", "").strip()[:LONGEST_NAME]
    token, wait = checker.check(name, request.form.get("token", "").strip())
    if wait:
        response = _form("Too many attempts failed; wait, then try again.", 429)
        response.headers["Retry-After"] = str(int(wait) + 1)
        return response
    if token is None:
        return _form("No such name and token.", 401)
    response = make_response(redirect(safe_next(request.form.get("next", "")), 303))
    sessions = checker.sessions
    response.set_cookie(
        COOKIE, sessions.issue(token), max_age=sessions.lifetime_seconds, path=_cookie_path(), secure=request.is_secure,
        httponly=True, samesite="Strict",
    )  # fmt: skip
    return response


def sign_out() -> ResponseReturnValue:
    """End the session of this browser."""
    _sign_in()
    response = redirect(url_for("login"), 303)
    response.delete_cookie(COOKIE, path=_cookie_path(), secure=request.is_secure, httponly=True, samesite="Strict")
    return response


def safe_next(target: str) -> str:
    """Give a path of this server to go on to; everything else is the first page."""
    # Browsers take a backslash for a slash and skip control characters, so that such a path may lead elsewhere.
    plain = target.isprintable() and "\\" not in target and len(target) <= LONGEST_NEXT
    if not plain or not target.startswith("/") or target.startswith("//"):
        return url_for("now")
    parts = urlsplit(target)
    return url_for("now") if parts.scheme or parts.netloc else target


ROUTES = (
    Route(path="/login", endpoint="login", view=show, role=None),
    Route(path="/login", endpoint="sign_in", view=sign_in, methods=("POST",), role=None),
    Route(path="/logout", endpoint="logout", view=sign_out, methods=("POST",), role=None),
)


def _sign_in() -> SignIn:
    found = services().sign_in
    if found is None:
        raise NotFound("nobody signs in here: web.auth is not token")
    return found


def _form(problem: str | None = None, status: int = 200) -> Response:
    typed = {"next": request.values.get("next", ""), "name": request.form.get("name", "")[:LONGEST_NAME]}
    return render("login.html", status, now=datetime.now(UTC), problem=problem, **typed)


def _cookie_path() -> str:
    return url_for("now")
