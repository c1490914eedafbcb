"""The whole fleet as it was: which sandboxes had a container at a moment, and who held them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from flask.typing import ResponseReturnValue

from provider.domain.errors import InvalidPositionError
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.past import Past
from provider.reading.reports import Reports
from web.pages.page import WebPage, show_page
from web.presentation.moments import read_as_of
from web.rendering import here
from web.services import services

SHOWN = 500


@dataclass(frozen=True, slots=True)
class PastView:
    """Everything on the page; without a `moment` nothing was asked, or nothing can be told."""

    asked: str
    moment: datetime | None = None
    position: int = 0
    sandboxes: tuple[SandboxRecord, ...] = ()
    is_cut: bool = False
    problem: str | None = None


def show() -> ResponseReturnValue:
    """Show the fleet as it was at the moment, or at the position, that the address names."""
    reports = services().reports
    now = reports.now()
    view = _build(reports, here().get("at").strip())
    return show_page("past.html", view, now, is_live=False, status=400 if view.problem else 200)


def _build(reports: Reports, asked: str) -> PastView:
    if not asked:
        return PastView(asked)
    as_of = read_as_of(asked)
    if as_of is None:
        return PastView(asked, problem=f"{asked!r} is no time: write 15m, 2h, 2026-03-28T14:02:11Z, or a position.")
    try:
        return _look(asked, reports.look_back(as_of))
    except InvalidPositionError as error:
        return PastView(asked, problem=f"{error}.")


def _look(asked: str, past: Past) -> PastView:
    found = tuple(islice(past.each_sandbox(), SHOWN + 1))
    return PastView(asked, past.now(), past.position, found[:SHOWN], is_cut=len(found) > SHOWN)


page = WebPage(path="/past", endpoint="past", title="As it was", view=show)
