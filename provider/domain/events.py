"""The events: frozen dataclasses, one per thing that can have happened, past tense.

A new event is one class here with `@event`; codec, tests and the reference in docs/events.md find it in `REGISTRY`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, TypeVar, get_args

from provider.domain.containers import Limits

Cause = Literal["cold", "restart", "standby"]
How = Literal["created", "warm", "shared"]
ActionOutcome = Literal["done", "refused", "failed"]
DetectedBy = Literal["get", "acquire", "watch", "sweep"]
EndReason = Literal["crashed", "oom", "idle", "capacity", "request", "shutdown", "lost_worker", "orphaned"]

END_REASONS: tuple[str, ...] = get_args(EndReason)
CRASH_REASONS = frozenset({"crashed", "oom"})
UNEXPECTED_REASONS = CRASH_REASONS | {"lost_worker"}

E = TypeVar("E", bound="type[Event]")
REGISTRY: dict[str, type[Event]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. `schema_version` belongs to the payload: raise it with every change of the fields."""

    schema_version: ClassVar[int] = 1

    @property
    def type(self) -> str:
        """The event's name in the log: the class name."""
        return type(self).__name__


def event(cls: E) -> E:
    """Register an event class under its name."""
    REGISTRY[cls.__name__] = cls
    return cls


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEvent(Event):
    """Base of the events of a sandbox stream; `generation` counts the containers of one sandbox from 1."""

    generation: int


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCreating(SandboxEvent):
    """Intent to create generation n, committed before the engine is asked."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    backend: str
    image: str
    cause: Cause
    worker_id: str
    container_name: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStarted(SandboxEvent):
    """The container exists and runs; `container_id` is None where the backend has none to check."""

    container_id: str | None
    container_name: str
    host: str
    url: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReady(SandboxEvent):
    """The sandbox answered its readiness check, `startup_seconds` after the intent."""

    startup_seconds: float


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCreateFailed(SandboxEvent):
    """The container could not be created or did not become ready; a half-made container is still to be removed."""

    stage: str
    error: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAcquired(SandboxEvent):
    """A worker holds the sandbox."""

    worker_id: str
    how: How


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReleased(SandboxEvent):
    """A worker no longer holds the sandbox; with no holder left it is warm."""

    worker_id: str
    cause: Literal["request", "shutdown", "lost_worker"]


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDied(SandboxEvent):
    """The container was found not running, unexpectedly."""

    detected_by: DetectedBy
    detected_at: datetime


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEvicted(SandboxEvent):
    """The container was taken out of use; its removal follows."""

    reason: EndReason


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCollected(SandboxEvent):
    """What the ended container left behind; only after this may an unexpectedly dead container be removed."""

    found: bool
    exit_code: int | None
    oom_killed: bool
    engine_error: str
    finished_at: datetime | None
    limits: Limits = field(default_factory=Limits)
    log_tail: str = ""


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDestroyed(SandboxEvent):
    """The container is removed from the engine."""


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDestroyFailed(SandboxEvent):
    """The container could not be removed; the removal is tried again."""

    error: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoopEntered(SandboxEvent):
    """The sandbox crashed too often; no new start before `retry_at`."""

    failures: int
    retry_at: datetime


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoopCleared(SandboxEvent):
    """The back-off ended: by time, by health, or by an operator."""

    cleared_by: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanAdopted(SandboxEvent):
    """A labelled container the ledger did not expect was taken over as this generation."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    backend: str
    image: str
    container_id: str
    container_name: str
    host: str
    url: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanRemoved(SandboxEvent):
    """A labelled container the ledger did not expect was removed."""

    container_id: str
    container_name: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted(Event):
    """A worker process joined."""

    worker_id: str
    host: str
    pid: int


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStopped(Event):
    """A worker process left in order."""

    worker_id: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost(Event):
    """A worker's heartbeat lapsed for longer than its lease."""

    worker_id: str
    last_heartbeat_at: datetime


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCompleted(Event):
    """A sweep changed something."""

    expected: int
    observed: int
    actions: int
    failures: int


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSealed(Event):
    """The log was sealed up to `position`: so many events, the last one with this `hash`.

    `hmac` covers ledger id, position, hash and count; null, like `key_id`, where no key is configured.
    """

    ledger_id: str
    position: int
    hash: str
    count: int
    key_id: str | None
    hmac: str | None


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class LogArchived(Event):
    """The events behind `after_position` up to `through_position` are in a bundle, and may leave the database.

    `sha256` is that of the file `bundle`, `baseline_sha256` that of what the log up to there adds up to.
    """

    after_position: int
    through_position: int
    through_hash: str
    events: int
    bundle: str
    sha256: str
    baseline_sha256: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOpened(Event):
    """This ledger is an extract of another one's log, behind `through_position`, and is for reading only.

    `is_whole` says that no event was left out up to `last_position` of that log: hashes and positions are the original
    ones. Else they are those of this ledger, and the originals are in the file `bundle`.
    """

    ledger_id: str
    through_position: int
    through_hash: str
    last_position: int
    last_hash: str
    events: int
    is_whole: bool
    bundle: str
    sha256: str
    baseline_sha256: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActionRequested(Event):
    """An operator asked for something, with a reason; committed before it is done."""

    operator: str
    action: str
    target: str
    reason: str


@event
@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActionCompleted(Event):
    """What came of an operator's action; its request has the same `correlation_id`."""

    operator: str
    action: str
    target: str
    outcome: ActionOutcome
    detail: str
