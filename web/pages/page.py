"""A page: one view, its template, and how it is asked for again (304 while nothing can have changed)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from provider.config.settings import WebRole
from web.etags import ledger_tag
from web.rendering import render
from web.route import NavigationEntry, Route, View
from web.security.principal import find_principal
from web.services import services


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """One page; `key` is typed after `g` to go there, and a page without one is not in the navigation."""

    path: str
    endpoint: str
    title: str
    view: View
    key: str | None = None
    role: WebRole = "viewer"

    @property
    def route(self) -> Route:
        """The URL of the page."""
        return Route(path=self.path, endpoint=self.endpoint, view=revalidated(self.view), role=self.role)

    @property
    def entry(self) -> NavigationEntry | None:
        """Its place in the navigation."""
        return None if self.key is None else NavigationEntry(self.title, self.endpoint, self.key)


def show_page(
    template: str,
    view: object,
    now: datetime,
    *,
    is_live: bool = True,
    search_text: str = "",
    subject: str = "",
    status: int = 200,
) -> Response:
    """Answer with a page; its template gets the `view`. A page that is not live stays as it is.

    `subject` is the one sandbox it is about: hints about others are no hints for it.
    """
    still = {} if is_live else {"live_url": None}
    return render(template, status, now=now, view=view, search_text=search_text, subject=subject, **still)


def revalidated(view: View) -> View:
    """Answer 304 to one who has read this view since the last event; else call it and say by which tag to ask again."""

    @functools.wraps(view)
    def answer(**values: Any) -> ResponseReturnValue:
        etag = _tag()
        is_known = request.if_none_match.contains_weak(etag)
        response = Response(status=304) if is_known else make_response(view(**values))
        if response.status_code in (200, 304):
            response.set_etag(etag, weak=True)
        return response

    return answer


def _tag() -> str:
    """Return a tag of everything that decides what a page shows, but for its address."""
    principal = find_principal()
    who = (principal.name, principal.role) if principal else None
    return ledger_tag(services().insights.head_position(), who, sorted(request.cookies.items()))
