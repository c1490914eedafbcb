"""Everything the dashboard and the API ask of the ledger, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from provider.reports.queries import EndingQueries, LogQueries, OperationQueries, SandboxQueries, SystemQueries
from provider.runtime.fleet import Fleet
from provider.runtime.insights import Insights
from provider.runtime.timeline import Timeline


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

    def close(self) -> None:
        """Close all connections."""
        self.insights.close()
