"""Sandboxes: which match, the newest first; a bare id jumps to its sandbox."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import get_args

from flask import redirect
from flask.typing import ResponseReturnValue

from provider.domain.actions import BULK_LIMIT
from provider.domain.errors import InvalidIdError
from provider.domain.events import END_REASONS
from provider.domain.search import Search
from provider.ports.reading.paging import Count
from provider.ports.reading.paging import Page as Listed
from provider.ports.reading.sandboxes import SandboxRow, SandboxSort
from provider.reading.reports import Reports
from web.pages.acting import MANY, Acting, make_form
from web.pages.page import WebPage, show_page
from web.pages.searching import SANDBOX_KEYS, Chip, Question, answer, ask
from web.rendering import here
from web.services import services
from web.urls import url_for

STATUSES = ("active", "warm", "creating", "dead", "evicting", "gone")
JUMPS = re.compile(r"[0-9a-f]{6,16}")
SORTS: tuple[SandboxSort, ...] = get_args(SandboxSort)


@dataclass(frozen=True, slots=True)
class SandboxesView:
    """Everything on the page."""

    question: Question
    statuses: tuple[Chip, ...]
    reasons: tuple[Chip, ...]
    spans: tuple[Chip, ...]
    sort: SandboxSort
    count: Count
    listed: Listed[SandboxRow]
    acting: Acting | None


def show() -> ResponseReturnValue:
    """Show the sandboxes that match."""
    reports = services().reports
    now = reports.now()
    question = ask(here(), now, SANDBOX_KEYS)
    jump = _find_one(reports, question)
    if jump is not None:
        return redirect(url_for("sandbox", sandbox_id=jump), 302)
    view = _build(reports, question)
    return show_page("sandboxes.html", view, now, search_text=question.text, status=400 if question.error else 200)


def _build(reports: Reports, question: Question) -> SandboxesView:
    asked = question.here.get("sort")
    sort = asked if asked in SORTS else "-created_at"
    listed, count = answer(question, partial(reports.sandboxes.list_page, sort=sort), reports.sandboxes.count)
    return SandboxesView(
        question=question,
        statuses=question.chips("status", STATUSES),
        reasons=question.chips("reason", END_REASONS),
        spans=question.since_chips(),
        sort=sort,
        count=count,
        listed=listed,
        acting=make_form(reports, MANY, url_for("act_on_many")) if _can_mean_all(question, count) else None,
    )


def _can_mean_all(question: Question, count: Count) -> bool:
    """Whether all that match may be acted on at once: they were chosen, and are not too many to count."""
    return not question.search.is_empty and not count.is_capped and 0 < count.value <= BULK_LIMIT


def _find_one(reports: Reports, question: Question) -> str | None:
    """Return the sandbox that the whole search names, when it is an id or the unique beginning of one."""
    words = question.search.words
    if not words or question.search != Search(words=words[:1]) or not JUMPS.fullmatch(words[0]):
        return None
    try:
        found = reports.insights.find(words[0])
    except InvalidIdError:
        return None
    return found.sandbox_id if found is not None else None


page = WebPage(path="/sandboxes", endpoint="sandboxes", title="Sandboxes", key="s", view=show)
