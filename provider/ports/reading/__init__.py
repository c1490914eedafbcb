"""The read side of the fleet: what the dashboard and the command line ask of the ledger, and the values they get."""

from provider.ports.reading.audit import AuditFilter, EvictionRow, OperatorActionRow, RestartRow, WorkerReport
from provider.ports.reading.fleet import FleetReading, Freshness, Mark, Overview, Tally, UnexpectedEnd, Workers
from provider.ports.reading.log import EventFilter, EventPage
from provider.ports.reading.paging import COUNT_CAP, DEFAULT_LIMIT, MAX_LIMIT, Count, Page
from provider.ports.reading.queries import (
    EndingQueries,
    FleetQueries,
    LogQueries,
    OperationQueries,
    SandboxQueries,
    SystemQueries,
    TimelineQueries,
)
from provider.ports.reading.sandboxes import SandboxAsOf, SandboxRow, SandboxSort
from provider.ports.reading.system import ProjectionCheck, SystemReport, Totals
from provider.ports.reading.timeline import Kind, RowBy, TimelineReading, TimelineRow

__all__ = [
    "COUNT_CAP", "DEFAULT_LIMIT", "MAX_LIMIT", "AuditFilter", "Count", "EndingQueries", "EventFilter", "EventPage",
    "EvictionRow", "FleetQueries", "FleetReading", "Freshness", "Kind", "LogQueries", "Mark", "OperationQueries",
    "OperatorActionRow", "Overview", "Page", "ProjectionCheck", "RestartRow", "RowBy", "SandboxAsOf",
    "SandboxQueries", "SandboxRow", "SandboxSort", "SystemQueries", "SystemReport", "Tally", "TimelineQueries",
    "TimelineReading", "TimelineRow", "Totals", "UnexpectedEnd", "WorkerReport", "Workers",
]  # fmt: skip
