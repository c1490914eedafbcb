"""Signing in with a token and out again, for people."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import InternalServerError, NotFound

from web.rendering import render
from web.route import Route
from web.security.sessions import COOKIE
from web.security.sign_in import SignIn
from web.services import services
from web.urls import safe_next, url_for

LONGEST_NAME = 64


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
    """End the session of this browser: a copy of its cookie is worth nothing afterwards."""
    try:
        _sign_in().sessions.end(request.cookies.get(COOKIE, ""))
    except OSError as error:
        raise InternalServerError(
            f"{error.filename}: {error.strerror}; you are still signed in: nobody could record that you are not"
        ) from error
    response = redirect(url_for("login"), 303)
    response.delete_cookie(COOKIE, path=_cookie_path(), secure=request.is_secure, httponly=True, samesite="Strict")
    return response


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
