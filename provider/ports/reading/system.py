"""Whether the pages can be trusted, how far the log is sealed, and the numbers that only grow, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from provider.ports.reading.fleet import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """The database and the ledger in it. `database_bytes` is None where the database does not tell."""

    freshness: Freshness
    schema_current: str | None
    schema_needed: str
    database: str
    product: str
    version: str
    database_bytes: int | None
    events: int
    sandboxes: int
    generations: int
    oldest_event_at: datetime | None
    newest_event_at: datetime | None

    @property
    def schema_matches(self) -> bool:
        """Whether this version of the library works with the database's schema."""
        return self.schema_current == self.schema_needed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionCheck:
    """A sample: `events` of the `sandboxes` that changed last were folded, and their rows compared with that."""

    sandboxes: int
    events: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegritySummary:
    """The newest seal of the log; all None where it was never sealed.

    `events_since` counts the events that no seal covers, but for the seal itself. Nothing was verified for this:
    `sandbox-ledger verify` does that.
    """

    sealed_position: int | None
    sealed_at: datetime | None
    sealed_by: str | None
    key_id: str | None
    events_since: int

    @property
    def is_sealed(self) -> bool:
        """Whether the log has a seal at all."""
        return self.sealed_position is not None

    @property
    def is_keyed(self) -> bool:
        """Whether the newest seal has an HMAC."""
        return self.key_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Numbers over the whole history, for counters (they never go back), and how things stand, for gauges.

    `ends` counts by reason, each one there is; `startup_seconds` is the sum over `starts`, `detection_seconds` that
    over `detections`: the deaths of which the engine told the time.
    """

    freshness: Freshness
    events: int
    starts: int
    start_failures: int
    restarts: int
    ends: Mapping[str, int]
    startup_seconds: float
    detections: int
    detection_seconds: float
    statuses: Mapping[str, int]
    live: int
    awaiting_removal: int
    workers_running: int
    workers_silent: int
    workers_stopped: int
    workers_lost: int
    sweeps_finished: int
    sweeps_failed: int
    last_sweep_at: datetime | None
    waiting: int
