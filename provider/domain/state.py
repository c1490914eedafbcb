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
        return self.died_at is not None and self.evidence_position is None

    @property
    def needs_removal(self) -> bool:
        """Whether the container is out of use but not yet known to be removed."""
        return self.ended_at is not None and self.removed_at is None

    def info(self, sandbox_id: str) -> SandboxInfo:
        """Describe the container to a backend; before it started, only its name is known."""
        return SandboxInfo(
            sandbox_id, self.number, self.container_id, self.container_name, self.host or "", self.url or ""
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
        return self.generations[-1] if self.generations and self.generations[-1].number == self.generation else None

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
        return next((g for g in self.generations if g.number == number), None)


def evolve(state: SandboxState, event: ev.Event, stamp: Stamp) -> SandboxState:
    """Fold one event into the state. Total: an event that says nothing about the state leaves it as it is."""
    if not isinstance(event, ev.SandboxEvent):
        return state
    return replace(
        _apply(state, event, stamp),
        version=state.version + 1,
        created_at=state.created_at or stamp.recorded_at,
        updated_at=stamp.recorded_at,
    )


def settled(state: SandboxState) -> SandboxState:
    """Forget removed generations, as a state read from the projections has them."""
    return replace(state, generations=tuple(g for g in state.generations if g.removed_at is None))


def _apply(state: SandboxState, event: ev.SandboxEvent, stamp: Stamp) -> SandboxState:  # noqa: PLR0911, C901
    number, now = event.generation, stamp.recorded_at
    match event:
        case ev.SandboxCreating():
            return _begin(state, event, now)
        case ev.OrphanAdopted():
            return _adopt(state, event, now)
        case ev.SandboxStarted():
            return _change(
                state, number, started_at=now, container_id=event.container_id, container_name=event.container_name,
                host=event.host, url=event.url,
            )  # fmt: skip
        case ev.SandboxReady():
            ready = _change(state, number, ready_at=now, startup_seconds=event.startup_seconds)
            return replace(ready, status="warm")
        case ev.SandboxCreateFailed():
            failed = _change(state, number, ended_at=now, error=f"{event.stage}: {event.error}", expected=False)
            return _after_failed_start(failed, number)
        case ev.SandboxAcquired():
            return replace(state, status="active", holders=tuple(sorted({*state.holders, event.worker_id})))
        case ev.SandboxReleased():
            left = tuple(h for h in state.holders if h != event.worker_id)
            status: Status = "active" if left else "warm"
            return replace(state, holders=left, status=status if state.is_live else state.status)
        case ev.SandboxDied():
            return _die(state, event)
        case ev.SandboxEvicted():
            return _evict(state, event, now)
        case ev.EvidenceCollected():
            return _change(
                state, number, exit_code=event.exit_code, oom_killed=event.oom_killed, finished_at=event.finished_at,
                evidence_position=stamp.position,
            )  # fmt: skip
        case ev.SandboxDestroyed() | ev.OrphanRemoved():
            removed = _change(state, number, removed_at=now, removal_error=None)
            gone = state.status == "evicting" and number == state.generation
            return replace(removed, status="gone") if gone else removed
        case ev.SandboxDestroyFailed():
            generation = state.find(number)
            failures = generation.removal_failures if generation else 0
            return _change(state, number, removal_failures=failures + 1, removal_error=event.error)
        case ev.CrashLoopEntered():
            return replace(state, retry_at=event.retry_at)
        case ev.CrashLoopCleared():
            forgiven = event.cleared_by != "time"
            return replace(state, retry_at=None, crashes=() if forgiven else state.crashes)
        case _:
            return state


def _after_failed_start(state: SandboxState, number: int) -> SandboxState:
    """Keep a failed restart marked as dead, so that the next start still counts as one and says what was lost."""
    if number != state.generation:
        return state
    current = state.current
    return replace(state, status="dead" if current and current.cause == "restart" else "gone", holders=())


def _begin(state: SandboxState, event: ev.SandboxCreating, now: datetime) -> SandboxState:
    generation = Generation(
        number=event.generation, backend=event.backend, image=event.image, cause=event.cause,
        worker_id=event.worker_id, container_name=event.container_name, creating_at=now,
    )  # fmt: skip
    return replace(
        state, status="creating", user_id=event.user_id, thread_id=event.thread_id, generation=event.generation,
        holders=(), generations=(*state.generations, generation),
    )  # fmt: skip


def _adopt(state: SandboxState, event: ev.OrphanAdopted, now: datetime) -> SandboxState:
    generation = Generation(
        number=event.generation, backend=event.backend, image=event.image, cause="cold", worker_id=None,
        container_id=event.container_id, container_name=event.container_name, host=event.host, url=event.url,
        creating_at=now, started_at=now, ready_at=now,
    )  # fmt: skip
    return replace(
        state, status="warm", user_id=event.user_id, thread_id=event.thread_id, generation=event.generation,
        holders=(), generations=(*state.generations, generation),
    )  # fmt: skip


def _die(state: SandboxState, event: ev.SandboxDied) -> SandboxState:
    current = state.find(event.generation)
    ready_at = current.ready_at if current else None
    uptime = max(0.0, (event.detected_at - ready_at).total_seconds()) if ready_at else 0.0
    crashes = (*state.crashes, Crash(at=event.detected_at, uptime_seconds=round(uptime, 3)))[-REMEMBERED_CRASHES:]
    died = _change(state, event.generation, died_at=event.detected_at, detected_by=event.detected_by)
    return replace(died, status="dead", holders=(), crashes=crashes)


def _evict(state: SandboxState, event: ev.SandboxEvicted, now: datetime) -> SandboxState:
    generation = state.find(event.generation)
    expected = event.reason not in ev.UNEXPECTED_REASONS
    ended = _change(state, event.generation, ended_at=now, end_reason=event.reason, expected=expected)
    if event.generation != state.generation or (generation and generation.died_at is not None):
        return ended
    return replace(ended, status="evicting", holders=())


def _change(state: SandboxState, number: int, **changes: object) -> SandboxState:
    changed = tuple(replace(g, **changes) if g.number == number else g for g in state.generations)  # type: ignore[arg-type]
    return replace(state, generations=changed)
