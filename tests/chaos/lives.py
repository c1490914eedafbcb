"""The lives of containers as the log tells them, followed without the library's own fold: a second opinion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from provider.domain import events as ev


@dataclass(slots=True)
class Life:
    """One generation: when it was intended, in use, dead, out of use, examined and removed."""

    sandbox_id: str
    number: int
    creating_at: datetime
    started_at: datetime | None = None
    ready_at: datetime | None = None
    died_at: datetime | None = None
    ended_at: datetime | None = None
    examined: bool = False
    removed_at: datetime | None = None
    unexpected: bool = False
    holders: set[str] = field(default_factory=set)

    @property
    def occupies(self) -> bool:
        """Whether it counts against the capacity."""
        return self.died_at is None and self.ended_at is None

    @property
    def is_live(self) -> bool:
        """Whether it may be handed to anybody."""
        return self.ready_at is not None and self.occupies

    @property
    def over_at(self) -> datetime | None:
        """When nobody could be given it any more."""
        return self.died_at or self.ended_at


@dataclass(slots=True)
class Account:
    """One sandbox: whose it is, and all its generations."""

    sandbox_id: str
    identity: tuple[str | None, str | None] | None = None
    lives: dict[int, Life] = field(default_factory=dict)

    @property
    def occupies(self) -> bool:
        """Whether any generation counts against the capacity."""
        return any(life.occupies for life in self.lives.values())

    def apply(self, event: ev.SandboxEvent, now: datetime) -> Iterator[str]:
        """Follow one event; yield the rules that it breaks."""
        if isinstance(event, ev.SandboxCreating | ev.OrphanAdopted):
            yield from self._begin(event, now)
            return
        if isinstance(event, ev.CrashLoopEntered | ev.CrashLoopCleared | ev.OrphanRemoved):
            return
        life = self.lives.get(event.generation)
        if life is None:
            yield "intent comes before everything"
        elif isinstance(event, ev.SandboxStarted | ev.SandboxReady | ev.SandboxCreateFailed):
            yield from _start(life, event, now)
        elif isinstance(event, ev.SandboxAcquired | ev.SandboxReleased):
            yield from _hold(life, event)
        else:
            yield from _end(life, event, now)

    def _begin(self, event: ev.SandboxCreating | ev.OrphanAdopted, now: datetime) -> Iterator[str]:
        if self.occupies:
            yield "one live generation per sandbox"
        if event.generation != max(self.lives, default=0) + 1:
            yield "generations count up by one"
        identity = (event.user_id, event.thread_id)
        if self.identity not in {None, identity}:
            yield "one (user, thread) per sandbox"
        self.identity = identity
        life = self.lives[event.generation] = Life(self.sandbox_id, event.generation, now)
        if isinstance(event, ev.OrphanAdopted):
            life.started_at = life.ready_at = now


def _start(life: Life, event: ev.SandboxEvent, now: datetime) -> Iterator[str]:
    if not life.occupies or life.ready_at is not None:
        yield "a late creation is refused"
    elif isinstance(event, ev.SandboxStarted):
        life.started_at = now
    elif isinstance(event, ev.SandboxReady):
        life.ready_at = now
    else:
        life.ended_at = now


def _hold(life: Life, event: ev.SandboxAcquired | ev.SandboxReleased) -> Iterator[str]:
    if not life.is_live:
        yield "only live sandboxes are held"
    if isinstance(event, ev.SandboxAcquired):
        if event.worker_id in life.holders:
            yield "a hold is recorded once"
        life.holders.add(event.worker_id)
    else:
        if event.worker_id not in life.holders:
            yield "only a holder releases"
        life.holders.discard(event.worker_id)


def _end(life: Life, event: ev.SandboxEvent, now: datetime) -> Iterator[str]:
    match event:
        case ev.SandboxDied():
            if not life.is_live:
                yield "a death is recorded once, of a live generation"
            life.died_at, life.unexpected = now, True
            life.holders.clear()
        case ev.SandboxEvicted():
            if life.ended_at is not None:
                yield "a generation ends once"
            life.ended_at = now
            life.unexpected = life.unexpected or event.reason in ev.CRASH_REASONS
            life.holders.clear()
        case ev.EvidenceCollected():
            if life.examined or life.removed_at is not None:
                yield "evidence is collected once, before the removal"
            life.examined = True
        case ev.SandboxDestroyed() | ev.SandboxDestroyFailed():
            yield from _remove(life, event, now)


def _remove(life: Life, event: ev.SandboxEvent, now: datetime) -> Iterator[str]:
    if life.ended_at is None:
        yield "intent comes before removal"
    if life.removed_at is not None:
        yield "a removal is recorded once"
    if isinstance(event, ev.SandboxDestroyed):
        if life.unexpected and not life.examined:
            yield "no evidence, no removal"
        life.removed_at = now
