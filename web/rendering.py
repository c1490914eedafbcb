"""Pages from templates, with an environment of the dashboard's own: it looks the same inside another application."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, g, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from web.presentation.filters import FILTERS, FUNCTIONS
from web.security.principal import Principal, find_principal
from web.services import services
from web.urls import PACKAGE, has_endpoint, here, static_url, url_for

THEME_COOKIE = "theme"


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    title: str
    url: str
    key: str
    is_current: bool


@functools.cache
def environment() -> Environment:
    """Make the template environment: everything is escaped, and a name that does not exist is an error."""
    made = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    made.globals.update(FUNCTIONS)
    made.globals.update(link=url_for, static=static_url, has=has_endpoint)
    return made


def render(template: str, status: int = 200, *, now: datetime | None = None, **context: object) -> Response:
    """Fill in a template. `now` is the database's time when the page was read; without one it is asked."""
    frame = _frame(now if now is not None else services().insights.now())
    text = environment().get_template(template).render({**frame, **context})
    return Response(text, status, content_type="text/html; charset=utf-8")


def _frame(now: datetime) -> Mapping[str, object]:
    """Tell what every page shows around its own content."""
    principal = find_principal()
    return {
        "now": now,
        "theme": request.cookies.get(THEME_COOKIE, "auto"),
        "navigation": list_links() if principal else (),
        "here": here(),
        "principal": principal,
        "can_sign_out": principal is not None and principal.how == "session",
        "live_url": _live_url(principal),
        "messages": (),
    }


def _live_url(principal: Principal | None) -> str | None:
    """Tell where the stream is, from what was the last event before this page was read."""
    if principal is None:
        return None
    services().open_tailer()
    return url_for("live", after=g.sandbox_ledger_position)


def list_links() -> Sequence[Link]:
    """List the navigation."""
    # Imported here: a page is rendered by this module and is in the table, too.
    from web.pages.table import PAGES

    current = (request.endpoint or "").rpartition(".")[2]
    return [Link(page.title, url_for(page.endpoint), page.key, page.endpoint == current) for page in PAGES if page.key]
