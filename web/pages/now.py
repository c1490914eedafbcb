"""Now: is it the sandboxes, since when, and why."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from web.pages.page import Page
from web.rendering import render


def show() -> ResponseReturnValue:
    """Show how things are now."""
    return render("now.html")


page = Page(path="/", endpoint="now", title="Now", key="n", view=show)
