"""What sandboxes go through, as the decisions of the domain: the workload of every store benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.domain import decisions
from provider.domain.containers import Evidence, SandboxInfo
from provider.domain.events import EndReason, Event
from provider.domain.ids import derive_sandbox_id
from provider.domain.state import SandboxState

WORKER = "bench-1-0a1b2c3d"
GUESTS = ("bench-8-4e5f6a7b", "bench-9-8c9d0e1f")
"""Workers that join in the use of a sandbox."""
IMAGE = "sandbox-ledger/sandbox:latest"
HOST = "host-1"

Step = Callable[[SandboxState, datetime], Sequence[Event]]
"""One command: from the state, and a time for what the command itself has seen, to the events of one append."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose sandbox it is, what it is made from, where it runs, and which worker uses it."""

    sandbox_id: str
    user_id: str
    thread_id: str
    image: str = IMAGE
    host: str = HOST
    worker: str = WORKER


def make_identity(number: int, name: str = "bench") -> Identity:
    """Make the n-th identity of a name; ids look random, as they do in use."""
    user, thread = f"user-{number % 97}", f"{name}-thread-{number}"
    return Identity(derive_sandbox_id(user, thread), user, thread)


def start(who: Identity) -> list[Step]:
    """Intent, container, ready and held: 3 appends, 4 events."""

    def create(state: SandboxState, _: datetime) -> Sequence[Event]:
        return decisions.decide_create(state, decisions.Creation(
            sandbox_id=who.sandbox_id, user_id=who.user_id, thread_id=who.thread_id, worker_id=who.worker,
            backend="docker", image=who.image, container_prefix="sandbox",
        ))  # fmt: skip

    def started(state: SandboxState, _: datetime) -> Sequence[Event]:
        name = f"sandbox-{who.sandbox_id}-g{state.generation}"
        info = SandboxInfo(
            who.sandbox_id, state.generation, who.sandbox_id * 4, name, who.host, "http://127.0.0.1:40123"
        )
        return decisions.decide_started(state, info)

    return [create, started, lambda s, _: decisions.decide_ready(s, s.generation, 0.412345, [who.worker])]


def use(turns: int, worker: str = WORKER) -> list[Step]:
    """Released and taken again: 2 appends and 2 events a turn."""

    def release(state: SandboxState, _: datetime) -> Sequence[Event]:
        return decisions.decide_release(state, worker)

    def hold(state: SandboxState, _: datetime) -> Sequence[Event]:
        return decisions.decide_hold(state, worker)

    return [release, hold] * turns


def share() -> list[Step]:
    """Held by two other workers as well, who come and go: 4 appends, 4 events."""
    takes = [lambda state, _, w=worker: decisions.decide_hold(state, w) for worker in GUESTS]
    leaves = [lambda state, _, w=worker: decisions.decide_release(state, w) for worker in GUESTS]
    return [*takes, *leaves]


def fail_to_start(who: Identity) -> list[Step]:
    """Intent, container, given up, removed: 4 appends, 4 events."""

    def failed(state: SandboxState, _: datetime) -> Sequence[Event]:
        error = "no answer within 60 s"
        return decisions.decide_create_failed(state, state.generation, "readiness", error)

    return [*start(who)[:2], failed, removed]


def crash(*, oom: bool = False) -> list[Step]:
    """Found dead, evicted with evidence, removed: 3 appends, 4 events."""
    log = "worker exited\n" * 20

    def examined(state: SandboxState, seen: datetime) -> Sequence[Event]:
        evidence = Evidence(found=True, exit_code=137, oom_killed=oom, finished_at=seen, log_tail=log)
        return decisions.decide_examined(state, state.generation, evidence)

    return [lambda s, seen: decisions.decide_died(s, s.generation, "get", seen), examined, removed]


def end(reason: EndReason) -> list[Step]:
    """Taken out of use and removed: 2 appends, 2 events."""
    return [lambda s, _: decisions.decide_evict(s, s.generation, reason), removed]


def removed(state: SandboxState, _: datetime) -> Sequence[Event]:
    return decisions.decide_removed(state, state.generation, None)


def whole_life(who: Identity) -> list[Step]:
    """A life of 20 events in 18 appends, from its first start to its removal after a crash."""
    return [*start(who), *use(6), *crash()]
