"""The boundaries of the core: what the use cases need from a database and from a container engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from provider.domain.archives import ArchiveRow, Baseline, LedgerOrigin
from provider.domain.bundles import LinkedEvent
from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.domain.events import Event
from provider.domain.log import Appended, Author, ChainPoint, RecordedEvent
from provider.domain.policy import Capacity, Queue
from provider.domain.state import Generation, SandboxState
from provider.domain.sweeps import Counts, LeaseRow, Recorded, SweepRow
from provider.domain.verification import RecordedSeal
from provider.domain.workers import JobRow, WorkerJobs, WorkerRow


class Liveness(Protocol):
    """A cheap, engine-free look at one container."""

    def probe(self) -> bool | None:
        """Tell whether the container runs: True, False, or None for "cannot tell, ask the engine".

        Never blocks, never raises; safe from any thread.
        """

    def close(self) -> None:
        """Release what the probe holds. Idempotent; `probe` then answers None."""


@runtime_checkable
class Waitable(Protocol):
    """A probe that can also be waited for."""

    def fileno(self) -> int:
        """Give a descriptor that becomes readable when the container ends; -1 once closed."""


class SandboxBackend(Protocol):
    """A container engine. Every call has a deadline and raises `BackendUnavailable` for "cannot tell".

    All methods are safe to call from several threads at once. No method is called while a lock or
    a transaction is held.
    """

    @property
    def name(self) -> str:
        """The backend's name in events: `docker`, `process`, ..."""

    @property
    def image(self) -> str:
        """What new sandboxes are made from, for the record."""

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Create and start a container.

        Raise `SandboxStartError` (and leave nothing behind) when the engine refuses. Where the sandbox
        needs time to come up, implement `SupportsReadiness`; else it counts as ready on return.
        """

    def destroy(self, info: SandboxInfo) -> None:
        """Stop and remove the container. Idempotent: a container that does not exist is success."""

    def is_alive(self, info: SandboxInfo) -> bool:
        """Ask the engine whether the container runs; False only when the engine is sure."""

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Collect what the ended container left behind."""

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open an engine-free probe for this container, or None where there is none."""

    def discover(self) -> Sequence[Discovered]:
        """List every container labelled with this ledger, running or not, in one engine call."""

    def list_running(self) -> Sequence[SandboxInfo]:
        """List the running containers of this ledger."""

    def close(self) -> None:
        """Release connections and threads; containers stay. Idempotent."""


@runtime_checkable
class SupportsReadiness(Protocol):
    """A backend whose sandboxes need time between start and first answer."""

    def wait_ready(self, info: SandboxInfo) -> float:
        """Block until the sandbox answers its readiness check; return the seconds waited.

        Raise `SandboxStartError` (stage `readiness`, with the log tail) at the deadline, or at once when
        the container stops. The container is left for the caller to remove.
        """


class ChangeFeed(Protocol):
    """Every event exactly once, in order, soon after its commit. One follower per object."""

    @property
    def error(self) -> str | None:
        """None while the feed is connected, else what the database said."""

    def follow(self, after: int) -> Iterator[Sequence[RecordedEvent]]:
        """Yield batches of events behind `after` until `stop`; reconnect by itself.

        An empty batch tells that `error` has come or gone. Raise `CorruptLogError` for an event that was altered.
        """

    def stop(self) -> None:
        """End `follow` soon, from any thread or handler of signals. Idempotent."""


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
        """See the queue from the place of a waiter; one that has not joined stands at its end."""

    def join(self, waiter_id: str, user_id: str | None) -> None:
        """Stand in the queue, or say that one still does; the place is that of the first call."""

    def leave(self, waiter_id: str) -> None:
        """Leave the queue. Idempotent."""

    def list_warm(self, limit: int, user_id: str | None = None) -> Sequence[str]:
        """List warm sandboxes (of one user, when given), the least recently used first."""


class Leases(Protocol):
    """Named leases: one holder at a time by the database's clock. Safe from any thread."""

    def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew a lease; return its fencing token, or None while somebody else holds it."""

    def holds(self, name: str, holder: str, token: int) -> bool:
        """Tell whether the lease is still this holder's, under this token and in time."""

    def find(self, name: str) -> LeaseRow | None:
        """Find a lease, whoever holds it; one that nobody ever took is None."""

    def release(self, name: str, holder: str) -> None:
        """Give a lease back early. Idempotent; the token stays used."""


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


class SealLedger(Protocol):
    """The seals that the log has. Safe from any thread."""

    def find_last(self) -> RecordedSeal | None:
        """Read the newest seal; None when the log was never sealed. Raise `CorruptLogError` for one that is none."""

    def sealable_head(self) -> ChainPoint:
        """Tell where the log ends; raise `CorruptLogError` when the head row and the last event do not agree."""


class OperatorLog(Protocol):
    """Operators' requests and their outcomes in the log. Safe from any thread; raises `StoreUnavailable`."""

    def find_command(self, command_id: str) -> RecordedEvent | None:
        """Find the event that was recorded under an idempotency key."""

    def find_completion(self, requested: RecordedEvent) -> RecordedEvent | None:
        """Find the outcome of an operator's request; None while there is none."""


class ArchiveLedger(Protocol):
    """The archives of the log, and the raw log for bundles. Safe from any thread."""

    def describe_ledger(self) -> LedgerOrigin:
        """Tell which ledger it is."""

    def base(self) -> ChainPoint:
        """Tell behind which event the log in the database goes on."""

    def read(self, after: ChainPoint, through: int) -> Iterator[LinkedEvent]:
        """Read raw events behind `after` up to a position, each one checked; raise `CorruptLogError`."""

    def make_baseline(self, through: int, progress: Callable[[int], None] | None = None) -> Baseline:
        """Fold the log up to a position: what remains of the events that leave."""

    def list_unfinished(self) -> Sequence[RecordedEvent]:
        """List the `LogArchived` events beyond the base, the newest first."""

    def record(self, recorded: RecordedEvent, baseline: Baseline) -> None:
        """Make a recorded archive the base of the chain: its events are read by nobody any more."""

    def prune(self, limit: int) -> int:
        """Delete up to `limit` archived events, the oldest first; 0 when none is left."""


class EventStore(Protocol):
    """The ledger. Safe from any thread; every method raises `StoreUnavailable` when the database cannot answer."""

    @property
    def ledger_id(self) -> str:
        """The installation's UUID, made at the first migration."""

    def append(
        self,
        stream: str,
        expected_version: int,
        events: Sequence[Event],
        author: Author,
        *,
        state: SandboxState | None = None,
        capacity: Capacity | None = None,
    ) -> Appended:
        """Append events and update the projections in one transaction; durable on return.

        `state` is the state the decision was made on (saves a read; its version must be `expected_version`).
        `capacity` must still hold once the events are in, else `CapacityExceeded` is raised.
        Raise `VersionConflict` when the stream has moved on, `DuplicateCommand` when the author's `command_id`
        is in the log already; nothing is written then.
        """

    def load(self, sandbox_id: str) -> SandboxState:
        """Read the current state of one sandbox in one statement; an unknown id gives an empty state."""

    def find_previous(self, sandbox_id: str, generation: int) -> Generation | None:
        """Find the last generation before this one that was ever in use."""

    def list_held(self, worker_id: str) -> Sequence[str]:
        """List the ids of the sandboxes that a worker holds."""

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[RecordedEvent]:
        """Read one stream in version order."""

    def head_position(self) -> int:
        """Tell the position of the last event, 0 for an empty log."""

    def read_all(self, after: int = 0, limit: int | None = None) -> Iterator[RecordedEvent]:
        """Read the log in position order, starting behind `after`. A follower misses nothing."""

    def version_of(self, stream: str) -> int:
        """Tell how many events a stream has; 0 for one that does not exist."""

    def touch(self, ages: Mapping[str, float]) -> None:
        """Move the activity times of sandboxes forward (never back): each was used that many seconds ago."""

    def now(self) -> datetime:
        """Tell the database's time, UTC."""

    def close(self) -> None:
        """Close all connections. Idempotent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRecord:
    """One row of `sandboxes`, as the read side shows it; the field names are the column names."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    status: str
    generation: int
    holders: tuple[str, ...]
    container_id: str | None
    url: str | None
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    last_activity_at: datetime | None
    crashes: tuple[tuple[str, float], ...] = ()


class LedgerQueries(Protocol):
    """The read side of the ledger: the projections. Safe from any thread; raises `StoreUnavailable`."""

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
        """Tell the position of the last event recorded before this moment; 0 when there is none."""

    def head_position(self) -> int:
        """Tell the position of the last event, 0 for an empty log. One cheap look, for followers."""

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives, the oldest first."""


class EngineDescription(Protocol):
    """What an engine says about itself; `errors` says for each value that is None why."""

    @property
    def address(self) -> str:
        """Where it listens."""

    @property
    def reachable(self) -> bool:
        """Whether it answered."""

    @property
    def engine_version(self) -> str | None:
        """Its version."""

    @property
    def api_version(self) -> str | None:
        """The version of its API."""

    @property
    def host_name(self) -> str | None:
        """The machine it runs on."""

    @property
    def image_exists(self) -> bool | None:
        """Whether it has the configured image."""

    @property
    def kernel_liveness(self) -> bool | None:
        """Whether dead containers can be noticed by the kernel."""

    @property
    def errors(self) -> Mapping[str, str]:
        """What could not be found out, and why."""


@runtime_checkable
class SupportsDescription(Protocol):
    """A backend whose engine can be asked about itself."""

    def describe(self) -> EngineDescription:
        """Find out what there is to know; never raises."""
