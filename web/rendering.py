"""Pages from templates, with an environment of the dashboard's own: it looks the same inside another application."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, g, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provider.domain.wording import count_of
from provider.reading.wording import format_size
from web.presentation import moments, words
from web.presentation.address import Address
from web.security.principal import Principal, find_principal
from web.services import services
from web.urls import PACKAGE, has_endpoint, own_path, static_url, url_for

THEME_COOKIE = "theme"
FILTERS: Mapping[str, Callable[..., Any]] = {
    "ago": moments.say_ago,
    "clock": moments.show_clock,
    "exact": moments.show_exact,
    "machine": moments.show_machine,
    "seconds": moments.say_seconds,
    "size": format_size,
    "status_word": words.say_status,
    "outcome_word": words.say_outcome,
    "cause_word": words.say_cause,
    "noticed": words.say_noticed,
    "count": words.show_count,
    "count_of": count_of,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "end_word": words.say_end,
    "exit_word": words.say_exit,
}


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    title: str
    url: str
    key: str
    is_current: bool


@functools.cache
def environment() -> Environment:
    """Return the template environment: everything is escaped, and a name that does not exist is an error."""
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
    """Return a filled-in template. `now` is the database's time when the page was read; without one it is asked."""
    frame = _frame(now if now is not None else services().reports.now())
    text = environment().get_template(template).render({**frame, **context})
    return Response(text, status, content_type="text/html; charset=utf-8")


def here() -> Address:
    """Return the address that was asked for; of an argument given twice the last one counts."""
    return Address.of(own_path(), list(request.args.items(multi=True)))


def _frame(now: datetime) -> Mapping[str, object]:
    """Return what every page shows around its own content."""
    principal = find_principal()
    return {
        "now": now,
        "theme": request.cookies.get(THEME_COOKIE, "auto"),
        "navigation": list_links() if principal else (),
        "here": here(),
        "principal": principal,
        "can_sign_out": principal is not None and principal.how == "session",
        "live_url": _live_url(principal),
    }


def _live_url(principal: Principal | None) -> str | None:
    """Return where the stream is, from what was the last event before this page was read."""
    if principal is None:
        return None
    services().open_head_poller()
    return url_for("live", after=g.sandbox_ledger_position)


def list_links() -> Sequence[Link]:
    """Return the navigation, with the place where the reader is."""
    current = (request.endpoint or "").rpartition(".")[2]
    return [Link(one.title, url_for(one.endpoint), one.key, one.endpoint == current) for one in services().navigation]
