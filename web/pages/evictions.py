"""Evictions: every container that was taken out of use, why, who noticed, and how soon."""

from __future__ import annotations

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from provider.domain.events import END_REASONS
from provider.ports.reading.audit import EvictionRow
from provider.ports.reading.paging import Count
from provider.ports.reading.paging import Page as Listed
from web.pages.page import WebPage, show_page
from web.pages.searching import Chip, Question, answer, ask
from web.rendering import here
from web.services import services


@dataclass(frozen=True, slots=True)
class EvictionsView:
    """Everything on the page."""

    question: Question
    reasons: tuple[Chip, ...]
    flags: tuple[Chip, ...]
    spans: tuple[Chip, ...]
    count: Count
    listed: Listed[EvictionRow]


def show() -> ResponseReturnValue:
    """Show the evictions that match, the newest first."""
    reports = services().reports
    now = reports.now()
    question = ask(here(), now)
    listed, count = answer(question, reports.endings.list_evictions, reports.endings.count_evictions)
    view = EvictionsView(
        question,
        question.chips("reason", END_REASONS),
        question.flag_chips("expected", ("expected", "unexpected")),
        question.since_chips(),
        count,
        listed,
    )
    return show_page("evictions.html", view, now, status=400 if question.error else 200)


page = WebPage(path="/evictions", endpoint="evictions", title="Evictions", key="v", view=show)
