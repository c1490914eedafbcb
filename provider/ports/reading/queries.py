"""The questions the read side can answer. Safe from any thread; all raise `StoreUnavailable` when the database cannot.

Each one takes a constant number of statements, however long the history is. A cursor that is no cursor of the same
question raises `InvalidCursorError`; limits are cut to `MAX_LIMIT`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from provider.ports.reading.paging import DEFAULT_LIMIT

if TYPE_CHECKING:
    from provider.domain.archives import ArchiveRow
    from provider.domain.findings import Violation
    from provider.domain.log import RecordedEvent
    from provider.domain.search import Search
    from provider.domain.state import Generation
    from provider.domain.sweeps import SweepRow
    from provider.ports.reading.audit import AuditFilter, EvictionRow, OperatorActionRow, RestartRow, WorkerReport
    from provider.ports.reading.fleet import FleetReading, Freshness
    from provider.ports.reading.log import EventFilter, EventPage
    from provider.ports.reading.paging import Count, Page
    from provider.ports.reading.sandboxes import SandboxAsOf, SandboxRecord, SandboxRow, SandboxSort
    from provider.ports.reading.system import ProjectionCheck, SystemReport, Totals
    from provider.ports.reading.timeline import RowBy, TimelineReading


class FleetQueries(Protocol):
    """How the fleet is doing."""

    def freshness(self) -> Freshness:
        """Return the database's time and the last event. Cheap enough for every request."""

    def read_fleet(
        self, *, window_seconds: int, bucket_seconds: int, baseline_seconds: int, lease_seconds: float, lease: str
    ) -> FleetReading:
        """Read everything about now, the last `window_seconds`, those before them and the baseline, in one snapshot.

        `lease` is the name of the lease that the leader of the sweep holds; a worker is silent after `lease_seconds`.
        """


class SandboxQueries(Protocol):
    """Sandboxes as lists and one by one."""

    def list_page(
        self,
        search: Search,
        *,
        sort: SandboxSort = "-created_at",
        cursor: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[SandboxRow]:
        """List the sandboxes that match; `since` and `until` bound when they last changed."""

    def count(self, search: Search) -> Count:
        """Count the sandboxes that match, up to a cap."""

    def list_ids(self, search: Search, limit: int) -> Sequence[str]:
        """List the ids of those that match, in the order of the ids, for an action on all of them."""


class LogQueries(Protocol):
    """The raw log."""

    def list_events(
        self,
        wanted: EventFilter,
        *,
        newest_first: bool = True,
        cursor: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> EventPage:
        """Read a page of events, each checked against the hash chain; raise `CorruptLogError` for a bad one."""


class TimelineQueries(Protocol):
    """What happened when and where."""

    def read_timeline(
        self, by: RowBy, since: datetime, *, bucket_seconds: int, bucket_count: int, max_rows: int, max_marks: int
    ) -> TimelineReading:
        """Count what happened per row and bucket from `since` on."""


class EndingQueries(Protocol):
    """Every container that was taken out of use, and every one that took its place."""

    def list_evictions(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[EvictionRow]:
        """List evictions, the newest first; `since` and `until` bound when they happened."""

    def list_restarts(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[RestartRow]:
        """List restarts, the newest first; `reason` is how the old container ended, the rest is about the new one."""

    def count_evictions(self, search: Search) -> Count:
        """Count evictions, up to a cap."""

    def count_restarts(self, search: Search) -> Count:
        """Count restarts, up to a cap."""


class OperationQueries(Protocol):
    """Workers, sweeps, and what operators did."""

    def list_workers(
        self, *, ended: bool = False, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[WorkerReport]:
        """List the workers that run, the most silent one first; or those that ended, the last one first."""

    def find_worker(self, worker_id: str) -> WorkerReport | None:
        """Find one worker."""

    def list_sweeps(self, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[SweepRow]:
        """List the runs of the sweep, the newest first."""

    def list_actions(
        self, wanted: AuditFilter, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[OperatorActionRow]:
        """List what operators did, the newest first."""


class SystemQueries(Protocol):
    """The database itself, and totals for monitoring."""

    def describe(self) -> SystemReport:
        """Ask the database about itself and the ledger in it."""

    def list_violations(self, limit: int = DEFAULT_LIMIT) -> Sequence[Violation]:
        """List broken invariants of the ledger, by rule; none on a healthy one. Looks at the whole history."""

    def check_projections(self, limit: int = DEFAULT_LIMIT) -> ProjectionCheck:
        """Compare the rows of the sandboxes that changed last with the fold of their events.

        Raise `CorruptLogError` for an event that is not what its hash says.
        """

    def totals(self, lease_seconds: float) -> Totals:
        """Count everything there ever was; a worker silent for longer than `lease_seconds` counts as silent."""


class PastQueries(Protocol):
    """The ledger as it was at a moment."""

    def find_time_of(self, position: int) -> datetime | None:
        """Return when an event was recorded; None for a position that the table does not have."""

    def list_ids_at(self, moment: datetime, *, with_container: bool) -> Sequence[str]:
        """List the sandboxes that existed at a moment, the newest first.

        `with_container` leaves out those whose containers were all removed by then.
        """

    def read_unchanged_since(self, moment: datetime, sandbox_ids: Collection[str]) -> Mapping[str, SandboxRecord]:
        """Read those of these sandboxes to which nothing happened at or after a moment: they are as they were."""

    def read_archived(self, sandbox_ids: Collection[str]) -> Mapping[str, SandboxAsOf]:
        """Read what the archived events of these sandboxes add up to; one that has none is left out."""

    def read_streams(self, after: Mapping[str, int], position: int) -> Mapping[str, Sequence[RecordedEvent]]:
        """Read the events of these streams behind a version of each, up to a position, each checked.

        A stream that has none is left out.
        """


class LedgerQueries(Protocol):
    """One sandbox, and the log's own places."""

    def list_sandboxes(
        self, statuses: Sequence[str] | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[SandboxRecord]:
        """List up to `limit` sandboxes, the newest first, of these statuses (None: of any).

        `after` is the (created_at, sandbox_id) of the last one of the page before.
        """

    def find_sandbox(self, sandbox_id: str) -> SandboxRecord | None:
        """Find one sandbox by its id."""

    def list_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """List up to `limit` ids that start with these digits."""

    def list_generations(self, sandbox_id: str) -> Sequence[Generation]:
        """List all containers a sandbox ever had, the oldest first."""

    def find_last_ended(self, sandbox_id: str) -> Generation | None:
        """Find the newest generation that died, was evicted, or never came up."""

    def find_position_before(self, moment: datetime) -> int:
        """Return the position of the last event recorded before this moment; 0 when there is none."""

    def head_position(self) -> int:
        """Return the position of the last event, 0 for an empty log. One cheap look, for followers."""

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives, the oldest first: behind the last one the log in the database begins."""
