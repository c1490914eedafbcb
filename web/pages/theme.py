"""The choice of light or dark: a form, so that it works without scripts, and a cookie that only the theme is in."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue

from web.rendering import THEME_COOKIE
from web.route import Route
from web.urls import safe_next, url_for

A_YEAR = 365 * 24 * 3600


def choose() -> ResponseReturnValue:
    """Remember the theme in this browser, and go back to the page."""
    answer = redirect(safe_next(request.form.get("next", "")), 303)
    theme = request.form.get("theme")
    if theme in ("light", "dark"):
        answer.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=A_YEAR,
            path=url_for("now"),
            samesite="Lax",
            httponly=True,
            secure=request.is_secure,
        )
    else:
        answer.delete_cookie(THEME_COOKIE, path=url_for("now"))
    return answer


route = Route(path="/theme", endpoint="theme", view=choose, methods=("POST",), role=None)
