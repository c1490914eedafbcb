"""Everything the dashboard and the API ask of the ledger, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from provider.domain.times import AsOf
from provider.ports.reading.queries import (
    EndingQueries,
    LogQueries,
    OperationQueries,
    PastQueries,
    SandboxQueries,
    SystemQueries,
)
from provider.ports.reading.sandboxes import SandboxAsOf
from provider.reading.fleet import Fleet
from provider.reading.insights import Insights
from provider.reading.integrity import Integrity
from provider.reading.past import Past, find_start, fold_history, look_back
from provider.reading.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The read side, by concern. Safe from any thread; made by `provider.bootstrap.open_reports`."""

    insights: Insights
    fleet: Fleet
    sandboxes: SandboxQueries
    log: LogQueries
    timeline: Timeline
    endings: EndingQueries
    operations: OperationQueries
    system: SystemQueries
    past: PastQueries
    integrity: Integrity

    def now(self) -> datetime:
        """Return the database's time, for whoever counts from now: a page has one moment."""
        return self.insights.now()

    def look_back(self, as_of: AsOf) -> Past:
        """Return the whole ledger as of a moment, an age, or a position; raise `InvalidPositionError`."""
        return look_back(self.insights, self.past, as_of)

    def fold_history(self, sandbox_id: str) -> Iterator[SandboxAsOf]:
        """Fold all events of a sandbox: first as it was before those in the database, then after each of them."""
        history = self.insights.history(sandbox_id)
        return fold_history(sandbox_id, history, find_start(self.past, sandbox_id, history))

    def close(self) -> None:
        """Close all connections."""
        self.insights.close()
