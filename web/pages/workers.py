"""Workers: who runs, who is silent, who left, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass

from flask.typing import ResponseReturnValue

from provider.domain.search import Search, format_search
from provider.ports.reading.audit import WorkerReport
from provider.ports.reading.paging import Page as Listed
from web.pages.page import WebPage, show_page
from web.presentation.address import Address
from web.presentation.words import Word
from web.rendering import here
from web.services import services
from web.urls import url_for

ENDINGS = {
    "stopped": Word("stopped", "expected", "it left in order"),
    "lost": Word("lost", "bad", "its heartbeat lapsed for longer than its lease; its sandboxes were released"),
}


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One worker with what is said of it."""

    row: WorkerReport
    word: Word
    sandboxes_url: str


@dataclass(frozen=True, slots=True)
class WorkersView:
    """Everything on the page."""

    ended: bool
    running_url: Address
    ended_url: Address
    lines: tuple[WorkerLine, ...]
    listed: Listed[WorkerReport]
    lease_seconds: float


def show() -> ResponseReturnValue:
    """Show the workers that run, the most silent one first, or those that ended."""
    reports, lease = services().reports, services().settings.worker.lease_time
    address = here()
    ended = address.get("show") == "ended"
    listed = reports.operations.list_workers(ended=ended, cursor=address.get("cursor") or None)
    view = WorkersView(
        ended=ended,
        running_url=address.drop("show", "cursor"),
        ended_url=address.drop("cursor").put(show="ended"),
        lines=tuple(_tell(row, lease) for row in listed.items),
        listed=listed,
        lease_seconds=lease,
    )
    return show_page("workers.html", view, reports.now())


def _tell(row: WorkerReport, lease_seconds: float) -> WorkerLine:
    return WorkerLine(
        row, say_worker(row, lease_seconds), url_for("sandboxes", q=format_search(Search(worker=(row.worker_id,))))
    )


def say_worker(row: WorkerReport, lease_seconds: float) -> Word:
    """Return how a worker is: silent is not known to be dead before the sweep says so."""
    if row.ended_as is not None:
        return ENDINGS.get(row.ended_as, Word(row.ended_as, "unknown"))
    if row.silent_seconds > lease_seconds:
        return Word("silent", "unknown", "no heartbeat for longer than its lease; the next sweep declares it lost")
    return Word("alive", "good", "its heartbeat is recent")


page = WebPage(path="/workers", endpoint="workers", title="Workers", key="w", view=show)
