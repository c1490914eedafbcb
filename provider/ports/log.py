"""What the use cases need from the log: append, load, read, follow, seal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from provider.domain.events import Event
from provider.domain.log import Appended, Author, ChainPoint, RecordedEvent
from provider.domain.policy import Capacity
from provider.domain.seals import Seal
from provider.domain.state import Generation, SandboxState

if TYPE_CHECKING:
    from provider.domain.verification import RecordedSeal


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
        """Return the position of the last event, 0 for an empty log."""

    def read_all(self, after: int = 0, limit: int | None = None) -> Iterator[RecordedEvent]:
        """Read the log in position order, starting behind `after`. A follower misses nothing."""

    def version_of(self, stream: str) -> int:
        """Return how many events a stream has; 0 for one that does not exist."""

    def touch(self, ages: Mapping[str, float]) -> None:
        """Move the activity times of sandboxes forward (never back): each was used that many seconds ago."""

    def now(self) -> datetime:
        """Return the database's time, UTC."""

    def close(self) -> None:
        """Close all connections. Idempotent."""


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


class SealLedger(Protocol):
    """The seals that the log has. Safe from any thread."""

    def find_last(self) -> RecordedSeal | None:
        """Read the newest seal; None when the log was never sealed. Raise `CorruptLogError` for one that is none."""

    def sealable_head(self) -> ChainPoint:
        """Return where the log ends; raise `CorruptLogError` when the head row and the last event do not agree."""

    def find_breach(self, seal: Seal) -> str | None:
        """Return why this log is not the one that was sealed; None when it goes on from the seal.

        None too for a seal of events that are archived: it is checked against their bundle.
        """


class KeptSeals(Protocol):
    """The seals made on this host, outside the database. Raises `FileError`."""

    def last(self) -> Seal | None:
        """Read the newest one; None when there is none."""

    def keep(self, seal: Seal) -> None:
        """Add a seal; durable on return."""

    def start_anew(self) -> None:
        """Put those kept so far aside."""


class OperatorLog(Protocol):
    """Operators' requests and their outcomes in the log. Safe from any thread; raises `StoreUnavailable`."""

    def find_command(self, command_id: str) -> RecordedEvent | None:
        """Find the event that was recorded under an idempotency key."""

    def find_completion(self, requested: RecordedEvent) -> RecordedEvent | None:
        """Find the outcome of an operator's request; None while there is none."""
