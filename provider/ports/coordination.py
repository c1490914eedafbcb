"""What workers need to share one database: heartbeats, leases, the queue for capacity, sweeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from provider.domain.policy import Queue
from provider.domain.workers import JobRow, WorkerJobs, WorkerRow

if TYPE_CHECKING:
    from provider.domain.sweeps import Counts, LeaseRow, Recorded, SweepRow


class WorkerRegistry(Protocol):
    """The heartbeats of all workers, by the database's clock. Safe from any thread."""

    def register(self, worker_id: str, host: str, pid: int) -> None:
        """Add a worker, or revive one that was declared lost too early."""

    def beat(self, worker_id: str, jobs: Sequence[JobRow] = ()) -> bool:
        """Move the heartbeat to now and say how the jobs are; False when the worker was declared lost or has ended."""

    def end(self, worker_id: str, ended_as: str) -> None:
        """Mark a worker as `stopped` or `lost`. Idempotent."""

    def find(self, worker_id: str) -> WorkerRow | None:
        """Find one worker, with its heartbeat's age."""

    def list_running(self) -> Sequence[WorkerRow]:
        """List the workers that have not ended, the most silent one first."""

    def list_jobs(self) -> Sequence[WorkerJobs]:
        """List the jobs of the workers that have not ended, as their last heartbeat told them."""

    def list_ended_holders(self) -> Sequence[str]:
        """List the workers that have ended and still hold sandboxes."""

    def close(self) -> None:
        """Close its connections. Idempotent."""


class CapacityQueue(Protocol):
    """Who waits for a free place, oldest first, across all workers. Safe from any thread."""

    def look(self, waiter_id: str) -> Queue:
        """Return the queue as seen from a waiter's place; one that has not joined stands at its end."""

    def join(self, waiter_id: str, user_id: str | None) -> None:
        """Join the queue, or confirm that one still waits; the place is that of the first call."""

    def leave(self, waiter_id: str) -> None:
        """Leave the queue. Idempotent."""

    def list_warm(self, limit: int, user_id: str | None = None, *, spared_seconds: float = 0.0) -> Sequence[str]:
        """List warm sandboxes (of one user, when given), the least recently used first.

        Without those that a lost worker's release has made warm within `spared_seconds`.
        """

    def is_spared(self, sandbox_id: str, seconds: float) -> bool:
        """Whether a lost worker's hold on a sandbox was released within these seconds.

        The worker may have been paused with a call in flight: for one lease time nobody else decides that it is unused.
        """


class Leases(Protocol):
    """Named leases: one holder at a time by the database's clock. Safe from any thread."""

    def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew a lease; return its fencing token, or None while somebody else holds it."""

    def holds(self, name: str, holder: str, token: int) -> bool:
        """Whether the lease is still this holder's, under this token and in time."""

    def find(self, name: str) -> LeaseRow | None:
        """Find a lease, whoever holds it; one that nobody ever took is None."""

    def release(self, name: str, holder: str) -> None:
        """Return a lease early. Idempotent; the token stays used."""


class SweepLedger(Protocol):
    """What sweeps read, in a constant number of statements, and the row that each run leaves. Safe from any thread."""

    def read_open(self) -> Recorded:
        """Read every sandbox with a container that is not removed or with a back-off, and the workers."""

    def list_generations(self, sandbox_ids: Collection[str]) -> Mapping[str, int]:
        """List the newest generation of each of these sandboxes that was ever recorded."""

    def find_used_at(self, sandbox_id: str) -> datetime | None:
        """Find when a sandbox was last used, as far as it is on record."""

    def begin(self, sweep_id: str, leader: str, token: int | None) -> datetime:
        """Write down that a sweep begins; runs that an earlier leader left open are closed as interrupted."""

    def finish(self, sweep_id: str, counts: Counts, error: str | None) -> datetime:
        """Write down how a sweep went; one that was closed as interrupted stays so."""

    def list_recent(self, limit: int = 20) -> Sequence[SweepRow]:
        """List the last runs, the newest first."""

    def forget(self, days: float) -> int:
        """Delete the runs that began longer ago; return how many."""
