"""Sweeps: did the sweep run, what did it find and take, and who runs it."""

from __future__ import annotations

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from provider.domain.sweeps import LeaseRow, SweepRow
from provider.domain.wording import count_of
from provider.ports.reading.paging import Page as Listed
from web.pages.acting import DRY_RUN, SWEEP, Acting, make_form
from web.pages.page import WebPage, show_page
from web.presentation.words import Word, say_outcome
from web.rendering import here
from web.services import services
from web.urls import url_for


@dataclass(frozen=True, slots=True)
class SweepLine:
    """One run with what is said of it."""

    row: SweepRow
    word: Word
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SweepsView:
    """Everything on the page."""

    lines: tuple[SweepLine, ...]
    listed: Listed[SweepRow]
    leader: LeaseRow | None
    interval_seconds: float
    acting: Acting | None


def show() -> ResponseReturnValue:
    """Show the runs of the sweep, the newest first."""
    reports = services().reports
    reading = reports.fleet.overview().reading
    listed = reports.operations.list_sweeps(cursor=here().get("cursor") or None)
    leader = reading.leader if reading.leader is not None and reading.leader.seconds_left > 0 else None
    acting = make_form(reports, (DRY_RUN, SWEEP), url_for("act_on_sweep"))
    lines = tuple(_tell(row) for row in listed.items)
    view = SweepsView(lines, listed, leader, services().settings.sweeper.interval, acting)
    return show_page("sweeps.html", view, reading.freshness.now)


def _tell(row: SweepRow) -> SweepLine:
    took = (row.finished_at - row.started_at).total_seconds() if row.finished_at is not None else None
    return SweepLine(row, say_sweep(row), took)


def say_sweep(row: SweepRow) -> Word:
    """Return how a run went."""
    if row.error is not None:
        return say_outcome("failed")
    if row.finished_at is None:
        return say_outcome("running")
    if row.counts.failures:
        return Word(
            count_of(row.counts.failures, "failure"), "bad", "some of its actions failed; the next run tries again"
        )
    return say_outcome("changed" if row.counts.actions else "found_nothing")


page = WebPage(path="/sweeps", endpoint="sweeps", title="Sweeps", key="p", view=show)
