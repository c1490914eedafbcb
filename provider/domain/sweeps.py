"""Values of the sweep: what the ledger holds open, what one sweep counted, and how its row reads afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from provider.domain.state import Status
from provider.domain.workers import WorkerRow

SWEEP_LEASE = "sweeper"
"""The lease that whoever sweeps holds."""


@dataclass(frozen=True, slots=True)
class OpenGeneration:
    """One container that the ledger does not know to be removed, as far as a sweep has to know it."""

    number: int
    backend: str
    worker_id: str | None
    container_id: str | None
    container_name: str
    host: str | None
    creating_at: datetime
    ended: bool = False
    died: bool = False
    needs_evidence: bool = False


@dataclass(frozen=True, slots=True)
class OpenSandbox:
    """One sandbox with something open: a container that is not removed, or a back-off.

    `used_at` is the later of the last activity and the last event: activity is flushed in batches, so a sandbox that
    was just acquired after a long rest would look idle by its activity alone.
    """

    sandbox_id: str
    version: int
    status: Status
    generation: int
    holders: tuple[str, ...]
    retry_at: datetime | None
    used_at: datetime
    generations: tuple[OpenGeneration, ...]
    user_id: str | None = None

    @property
    def current(self) -> OpenGeneration | None:
        """The newest generation, while it is not removed."""
        # The newest is the last one; a loop here costs a third of the planning of a large fleet.
        last = self.generations[-1] if self.generations else None
        return last if last is not None and last.number == self.generation else None

    @property
    def is_live(self) -> bool:
        """Whether the sandbox is in the mapping."""
        return self.status in ("active", "warm")

    @property
    def occupies(self) -> bool:
        """Whether the sandbox counts against the capacity."""
        return self.status in ("creating", "active", "warm")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger says at one moment, by the database's clock.

    `workers` are those that run and those that ended lately. `closed` tells the newest generation of sandboxes with
    nothing open, for those that the engine has containers of.
    """

    now: datetime
    sandboxes: Sequence[OpenSandbox]
    workers: Sequence[WorkerRow]
    closed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one sweep found and did. `expected` and `observed` tell that nothing found is also a finding."""

    expected: int = 0
    observed: int = 0
    dead: int = 0
    idle: int = 0
    orphaned: int = 0
    lost_workers: int = 0
    actions: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """One run of the sweep as the ledger keeps it; without `finished_at` it is under way."""

    sweep_id: str
    started_at: datetime
    finished_at: datetime | None
    leader: str
    token: int | None
    counts: Counts
    error: str | None


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as it stands in the database; `seconds_left` is negative after its end."""

    name: str
    holder: str
    token: int
    expires_at: datetime
    seconds_left: float
