"""Restarts: every sandbox that went on in a new container, what ended the old one, and how long it was down."""

from __future__ import annotations

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from provider.domain.events import END_REASONS
from provider.ports.reading.audit import RestartRow
from provider.ports.reading.paging import Count
from provider.ports.reading.paging import Page as Listed
from web.pages.page import WebPage, show_page
from web.pages.searching import Chip, Question, answer, ask
from web.rendering import here
from web.services import services


@dataclass(frozen=True, slots=True)
class RestartsView:
    """Everything on the page."""

    question: Question
    reasons: tuple[Chip, ...]
    spans: tuple[Chip, ...]
    count: Count
    listed: Listed[RestartRow]


def show() -> ResponseReturnValue:
    """Show the restarts that match, the newest first."""
    reports = services().reports
    now = reports.now()
    question = ask(here(), now)
    listed, count = answer(question, reports.endings.list_restarts, reports.endings.count_restarts)
    view = RestartsView(question, question.chips("reason", END_REASONS), question.since_chips(), count, listed)
    return show_page("restarts.html", view, now, status=400 if question.error else 200)


page = WebPage(path="/restarts", endpoint="restarts", title="Restarts", key="r", view=show)
