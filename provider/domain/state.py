"""The state of one sandbox, folded from its events.

`SandboxState` is exactly what the projections hold (`sandboxes`: the scalar fields, `generations`: one row per
`Generation`), so a state read from them is the fold, in constant time however long the stream is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from provider.domain import events as ev
from provider.domain.containers import SandboxInfo
from provider.domain.policy import REMEMBERED_CRASHES, Crash

Status = Literal["absent", "creating", "active", "warm", "dead", "evicting", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the database gives each event: its place in the log and its time."""

    position: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One container of a sandbox, from the intent to its removal."""

    number: int
    backend: str
    image: str
    cause: str
    worker_id: str | None
    container_id: str | None = None
    container_name: str
    host: str | None = None
    url: str | None = None
    creating_at: datetime
    started_at: datetime | None = None
    ready_at: datetime | None = None
    startup_seconds: float | None = None
    died_at: datetime | None = None
    detected_by: str | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    expected: bool | None = None
    error: str | None = None
    exit_code: int | None = None
    oom_killed: bool | None = None
    finished_at: datetime | None = None
    evidence_position: int | None = None
    removed_at: datetime | None = None
    removal_failures: int = 0
    removal_error: str | None = None

    @property
    def needs_evidence(self) -> bool:
        """Whether the container died unexpectedly and has not been examined yet."""
        crashed = self.died_at is not None or self.end_reason in ev.CRASH_REASONS
        return crashed and self.evidence_position is None

    @property
    def needs_removal(self) -> bool:
        """Whether the container is out of use but not yet known to be removed."""
        return self.ended_at is not None and self.removed_at is None

    @property
    def may_be_removed(self) -> bool:
        """Whether the container may be removed now: out of use, and examined if it died unexpectedly."""
        return self.needs_removal and not self.needs_evidence

    def info(self, sandbox_id: str) -> SandboxInfo:
        """Describe the container to a backend; before it started, only its name is known."""
        return SandboxInfo(
            sandbox_id,
            self.number,
            self.container_id,
            self.container_name,
            self.host or "",
            self.url or "",
            self.backend,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxState:
    """Everything a decision needs to know about one sandbox.

    `generations` holds the current one (last) and those before it that are not settled yet: removed ones drop out.
    """

    sandbox_id: str
    version: int = 0
    status: Status = "absent"
    user_id: str | None = None
    thread_id: str | None = None
    generation: int = 0
    holders: tuple[str, ...] = ()
    retry_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    crashes: tuple[Crash, ...] = ()
    generations: tuple[Generation, ...] = ()

    @property
    def current(self) -> Generation | None:
        """The newest generation, while it is not removed."""
        return self.find(self.generation)

    @property
    def occupies(self) -> bool:
        """Whether the sandbox counts against the capacity."""
        return self.status in ("creating", "active", "warm")

    @property
    def is_live(self) -> bool:
        """Whether the sandbox is in the mapping: it has a container in use or ready for use."""
        return self.status in ("active", "warm")

    def find(self, number: int) -> Generation | None:
        """Find an unsettled generation by its number."""
        return next((g for g in self.generations if g.number == number and g.removed_at is None), None)


def evolve(state: SandboxState, event: ev.Event, stamp: Stamp) -> SandboxState:
    """Fold one event into the state.

    Total: an event that says nothing about the state leaves all but `version` and `updated_at` as it is. What a late
    event says about an older generation is kept with that generation and never changes the sandbox's status; a removed
    generation changes no more, so that forgetting it (`settled`) makes no difference.
    """
    return replace(
        _apply(state, event, stamp),
        version=state.version + 1,
        created_at=state.created_at or stamp.recorded_at,
        updated_at=stamp.recorded_at,
    )


def settled(state: SandboxState) -> SandboxState:
    """Forget removed generations, as a state read from the projections has them."""
    if all(g.removed_at is None for g in state.generations):
        return state
    return replace(state, generations=tuple(g for g in state.generations if g.removed_at is None))


def _apply(state: SandboxState, event: ev.Event, stamp: Stamp) -> SandboxState:
    if not isinstance(event, ev.SandboxEvent):
        return state
    match event:
        case ev.SandboxCreating():
            return _begin(state, event, stamp.recorded_at)
        case ev.OrphanAdopted():
            return _adopt(state, event, stamp.recorded_at)
        case ev.CrashLoopEntered():
            return replace(state, retry_at=event.retry_at)
        case ev.CrashLoopCleared():
            return replace(state, retry_at=None, crashes=state.crashes if event.cleared_by == "time" else ())
    told = _tell_generation(state, event, stamp)
    return _move(told, state, event) if event.generation == state.generation else told


def _move(told: SandboxState, before: SandboxState, event: ev.SandboxEvent) -> SandboxState:  # noqa: PLR0911
    """Move the sandbox along its statuses; the event is about its newest generation."""
    match event:
        case ev.SandboxReady() if before.status == "creating":
            return replace(told, status="warm")
        case ev.SandboxCreateFailed() if before.status == "creating":
            return replace(told, status="gone")
        case ev.SandboxAcquired() if before.is_live:
            return replace(told, status="active", holders=tuple(sorted({*before.holders, event.worker_id})))
        case ev.SandboxReleased() if before.is_live:
            left = tuple(h for h in before.holders if h != event.worker_id)
            return replace(told, holders=left, status="active" if left else "warm")
        case ev.SandboxDied() if before.is_live:
            return replace(told, status="dead", holders=(), crashes=_remember(before, event))
        case ev.SandboxEvicted() if before.is_live or before.status == "creating":
            return replace(told, status="evicting", holders=())
        case ev.SandboxDestroyed() | ev.OrphanRemoved() if before.status == "evicting":
            return replace(told, status="gone")
    return told


def _tell_generation(state: SandboxState, event: ev.SandboxEvent, stamp: Stamp) -> SandboxState:  # noqa: PLR0911
    """Record what the event says about one container."""
    number, now = event.generation, stamp.recorded_at
    match event:
        case ev.SandboxStarted():
            return _change(
                state, number, started_at=now, container_id=event.container_id, container_name=event.container_name,
                host=event.host, url=event.url,
            )  # fmt: skip
        case ev.SandboxReady():
            return _change(state, number, ready_at=now, startup_seconds=event.startup_seconds)
        case ev.SandboxCreateFailed():
            return _change(state, number, ended_at=now, error=f"{event.stage}: {event.error}", expected=False)
        case ev.SandboxDied():
            return _change(state, number, died_at=event.detected_at, detected_by=event.detected_by)
        case ev.SandboxEvicted():
            expected = event.reason not in ev.UNEXPECTED_REASONS
            return _change(state, number, ended_at=now, end_reason=event.reason, expected=expected)
        case ev.EvidenceCollected():
            return _change(
                state, number, exit_code=event.exit_code, oom_killed=event.oom_killed, finished_at=event.finished_at,
                evidence_position=stamp.position,
            )  # fmt: skip
        case ev.SandboxDestroyed() | ev.OrphanRemoved():
            return _change(state, number, removed_at=now, removal_error=None)
        case ev.SandboxDestroyFailed():
            found = state.find(number)
            failures = found.removal_failures if found else 0
            return _change(state, number, removal_failures=failures + 1, removal_error=event.error)
    return state


def _remember(state: SandboxState, event: ev.SandboxDied) -> tuple[Crash, ...]:
    ready_at = state.current.ready_at if state.current else None
    uptime = max(0.0, (event.detected_at - ready_at).total_seconds()) if ready_at else 0.0
    crash = Crash(at=event.detected_at, uptime_seconds=round(uptime, 3))
    return (*state.crashes, crash)[-REMEMBERED_CRASHES:]


def _begin(state: SandboxState, event: ev.SandboxCreating, now: datetime) -> SandboxState:
    generation = Generation(
        number=event.generation, backend=event.backend, image=event.image, cause=event.cause,
        worker_id=event.worker_id, container_name=event.container_name, creating_at=now,
    )  # fmt: skip
    return _enter(state, generation, "creating", event.user_id, event.thread_id)


def _adopt(state: SandboxState, event: ev.OrphanAdopted, now: datetime) -> SandboxState:
    generation = Generation(
        number=event.generation, backend=event.backend, image=event.image, cause="cold", worker_id=None,
        container_id=event.container_id, container_name=event.container_name, host=event.host, url=event.url,
        creating_at=now, started_at=now, ready_at=now,
    )  # fmt: skip
    return _enter(state, generation, "warm", event.user_id, event.thread_id)


def _enter(
    state: SandboxState, generation: Generation, status: Status, user_id: str | None, thread_id: str | None
) -> SandboxState:
    """Make a generation the newest one; numbers never go back, so one that is not newer changes nothing."""
    if generation.number <= state.generation:
        return state
    return replace(
        state, status=status, user_id=user_id, thread_id=thread_id, generation=generation.number, holders=(),
        generations=(*state.generations, generation),
    )  # fmt: skip


def _change(state: SandboxState, number: int, **changes: object) -> SandboxState:
    changed = tuple(
        replace(g, **changes) if g.number == number and g.removed_at is None else g  # type: ignore[arg-type]
        for g in state.generations
    )
    return replace(state, generations=changed)
