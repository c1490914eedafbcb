"""What a course of events came to: counted from the record, or from a replay under another policy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from provider.domain import events as ev


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTally:
    """What a course of events came to.

    `reused_after_eviction` counts idle and capacity evictions whose sandbox was wanted again later; `over_capacity` the
    starts for which no warm sandbox could make room; `delayed_seconds` adds up the waits of `delayed_starts`. None is
    what the record cannot tell.
    """

    acquires: int
    starts: int
    warm_hits: int
    idle_evictions: int
    capacity_evictions: int
    reused_after_eviction: int
    over_capacity: int | None
    delayed_starts: int | None
    delayed_seconds: float | None
    peak_containers: int
    container_seconds: float


@dataclass(slots=True)
class Meter:
    """Counts, and adds up how long containers ran; both from `begin` on, when it is called."""

    counts: Counter[str] = field(default_factory=Counter)
    running: dict[str, datetime] = field(default_factory=dict)
    peak: int = 0
    seconds: float = 0.0
    _begun_at: datetime | None = None

    def begin(self, at: datetime) -> None:
        """Forget what was counted; containers that run go on running."""
        self.counts.clear()
        self.peak, self.seconds, self._begun_at = len(self.running), 0.0, at

    def start(self, sandbox_id: str, at: datetime) -> None:
        """Record that a container runs."""
        self.running[sandbox_id] = at
        self.peak = max(self.peak, len(self.running))

    def stop(self, sandbox_id: str, at: datetime) -> datetime | None:
        """Record that it runs no more; return since when it did, None when it did not."""
        started_at = self.running.pop(sandbox_id, None)
        if started_at is not None:
            begun = max(started_at, self._begun_at) if self._begun_at is not None else started_at
            self.seconds += max(0.0, (at - begun).total_seconds())
        return started_at

    def stop_all(self, at: datetime) -> None:
        """Let everything run until `at` and no longer."""
        for sandbox_id in list(self.running):
            self.stop(sandbox_id, at)


class RecordedCourse:
    """Counts what the record says, event by event in its order."""

    def __init__(self) -> None:
        self._meter = Meter()
        self._taken_away: set[str] = set()

    def begin(self, at: datetime) -> None:
        """Count from here on."""
        self._meter.begin(at)

    def apply(self, sandbox_id: str, event: ev.SandboxEvent, at: datetime) -> None:
        """Take in the next event of a sandbox; `at` is when it was recorded."""
        counts = self._meter.counts
        match event:
            case ev.SandboxCreating():
                counts["reused_after_eviction"] += sandbox_id in self._taken_away
                self._taken_away.discard(sandbox_id)
            case ev.SandboxReady() | ev.OrphanAdopted():
                counts["starts"] += isinstance(event, ev.SandboxReady)
                self._meter.start(sandbox_id, at)
            case ev.SandboxAcquired():
                counts["acquires"] += 1
                counts["warm_hits"] += event.how != "created"
            case ev.SandboxDied():
                self._meter.stop(sandbox_id, at)
            case ev.SandboxEvicted():
                self._meter.stop(sandbox_id, at)
                if event.reason in ("idle", "capacity"):
                    counts[f"{event.reason}_evictions"] += 1
                    self._taken_away.add(sandbox_id)
            case _:
                pass

    def finish(self, at: datetime) -> CourseTally:
        """Add up what ran until `at`."""
        self._meter.stop_all(at)
        return make_tally(self._meter, over_capacity=None, delayed_starts=None, delayed_seconds=None)


def make_tally(
    meter: Meter, *, over_capacity: int | None, delayed_starts: int | None, delayed_seconds: float | None
) -> CourseTally:
    """Return what a meter shows."""
    counts = meter.counts
    return CourseTally(
        acquires=counts["acquires"], starts=counts["starts"], warm_hits=counts["warm_hits"],
        idle_evictions=counts["idle_evictions"], capacity_evictions=counts["capacity_evictions"],
        reused_after_eviction=counts["reused_after_eviction"], over_capacity=over_capacity,
        delayed_starts=delayed_starts, delayed_seconds=delayed_seconds,
        peak_containers=meter.peak, container_seconds=round(meter.seconds, 3),
    )  # fmt: skip
