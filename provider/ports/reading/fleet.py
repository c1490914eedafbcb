"""How the fleet is doing now: the numbers behind the first page, all of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from provider.domain.sweeps import LeaseRow, SweepRow
from provider.domain.verdict import Bucket, Reason, Verdict
from provider.domain.workers import WorkerRow

MarkKind = Literal["sweep", "worker_lost", "operator_action"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What moment an answer is about: the database's time and the last event it has seen."""

    ledger_id: str
    now: datetime
    head_position: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What happened in a time range, `since` included and `until` not.

    `starts` became ready; `start_failures` never did; `restarts` are starts of a second or later generation.
    `ends` counts the ends by reason (`crashed`, `idle`, ...; None: died and not examined yet); those in
    `unexpected_reasons` were not wanted.
    """

    since: datetime
    until: datetime
    starts: int = 0
    start_failures: int = 0
    restarts: int = 0
    unexpected_ends: int = 0
    expected_ends: int = 0
    ends: Mapping[str | None, int] = field(default_factory=dict)

    @property
    def evictions(self) -> int:
        """All that were taken out of use, for whatever reason; those that died and are not examined yet are not."""
        return sum(count for reason, count in self.ends.items() if reason is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing worth a mark on a strip of time: a sweep, a worker's death, an operator's action.

    `subject` is the sweep's id, the worker's id or the action's target; `position` is the event's, where there is one.
    """

    at: datetime
    kind: MarkKind
    label: str
    subject: str
    position: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedEnd:
    """One container that ended unwanted; `ended_at` is when it was found dead, else when it was taken out of use."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    generation: int
    image: str
    host: str | None
    worker_id: str | None
    ended_at: datetime
    reason: str | None
    exit_code: int | None
    oom_killed: bool | None
    detected_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Who works: `silent` have not ended and have not shown life for longer than the lease."""

    running: int
    silent: int
    silent_workers: tuple[WorkerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetReading:
    """Everything about one moment and the time before it, read in one snapshot.

    `begun_at` is when the ledger was made. `statuses` counts the sandboxes in each status but `gone`. `before` is the
    same length of time just before `current`; `baseline` a longer time before `current`, for what is normal. `strip`
    divides `current`. `last_good_sweep_at` is when the last sweep finished that could look at the engine.
    """

    freshness: Freshness
    begun_at: datetime
    statuses: Mapping[str, int]
    live: int
    current: Tally
    before: Tally
    baseline: Tally
    strip: tuple[Bucket, ...]
    marks: tuple[Mark, ...]
    top_reasons: tuple[Reason, ...]
    workers: Workers
    last_sweep: SweepRow | None
    last_good_sweep_at: datetime | None
    leader: LeaseRow | None
    latest: tuple[UnexpectedEnd, ...]
    last_start_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The first page: what was read, the capacity that is configured, and what it adds up to."""

    verdict: Verdict
    replicas: int
    reading: FleetReading
