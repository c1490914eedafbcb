"""Carrying out the steps of a sweep's plan: each by an ordinary use case, decided again on the state that is there.

What is a matter of choice (idle, capacity, holds) is done only on the very version it was planned on. What is a fact
about a container (dead, unsettled) is checked again for that generation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.domain import decisions
from provider.domain.errors import SandboxError
from provider.domain.events import Event
from provider.domain.log import Author
from provider.domain.reconciliation import Kind, Policy, Step, is_idle
from provider.domain.state import SandboxState
from provider.domain.workers import has_lapsed
from provider.ports.coordination import SweepLedger
from provider.runtime.abandon import give_up_abandoned
from provider.runtime.liveness import record_death
from provider.runtime.replica import Replica
from provider.runtime.settle import settle
from provider.runtime.sweep.orphans import adopt, remove_orphan
from provider.runtime.worker.worker import Worker


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step; `version` is the sandbox's version the next step about it may rely on."""

    changed: bool
    version: int
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Means:
    """What one sweep works with."""

    worker: Worker
    replica: Replica
    sweeps: SweepLedger
    policy: Policy
    author: Author
    now: datetime


def carry_out(means: Means, step: Step, version: int) -> Outcome:
    """Carry out one step about a sandbox that was last seen at `version`; raise what the use case raises."""
    return _ACTIONS[step.kind](means, step, version)


def _record_death(means: Means, step: Step, version: int) -> Outcome:
    worker = means.worker
    state = worker.store.load(step.sandbox_id)
    current = state.find(step.generation)
    if current is None or not state.is_live or state.generation != step.generation:
        return Outcome(False, version)
    info = current.info(step.sandbox_id)
    if step.kind == "missing" and worker.engine.is_alive(info):
        return Outcome(False, version)  # on this engine, but not in its listing: another container prefix
    failures = record_death(worker, means.replica, info, "sweep", means.author)
    return _told(failures, version, changed=failures is not None)


def _abandon(means: Means, step: Step, version: int) -> Outcome:
    state = means.worker.store.load(step.sandbox_id)
    failures = give_up_abandoned(means.worker, state, means.author) if state.generation == step.generation else None
    return _told(failures, version, changed=failures is not None)


def _release(means: Means, step: Step, version: int) -> Outcome:
    worker, holder = means.worker, str(step.worker_id)
    row = worker.registry.find(holder)
    if row is not None and not has_lapsed(row, worker.lease_seconds, 0.0):
        return Outcome(False, version)  # it came back
    return _commit(means, step, version, lambda s: decisions.decide_release(s, holder, "lost_worker"))


def _reap(means: Means, step: Step, version: int) -> Outcome:
    state = means.worker.store.load(step.sandbox_id)
    used_at = means.sweeps.find_used_at(step.sandbox_id)
    others = any(holder != means.worker.worker_id for holder in state.holders)
    now = means.worker.store.now()
    if used_at is None or not is_idle(used_at, now, means.policy.idle_timeout, others_hold=others):
        return Outcome(False, version)
    if _is_spared(means, step):
        return Outcome(False, version)
    return _evict(means, step, version, lambda s: decisions.decide_evict(s, step.generation, "idle"))


def _make_room(means: Means, step: Step, version: int) -> Outcome:
    if _is_spared(means, step):
        return Outcome(False, version)
    return _evict(means, step, version, decisions.decide_evict_warm)


def _is_spared(means: Means, step: Step) -> bool:
    """Whether a lost worker held it less than a lease time ago: it may come back in the middle of a call."""
    return means.worker.queue.is_spared(step.sandbox_id, means.worker.lease_seconds)


def _settle(means: Means, step: Step, version: int) -> Outcome:
    worker = means.worker
    before = worker.store.load(step.sandbox_id).version
    failures = settle(worker, step.sandbox_id, means.author)
    changed = worker.store.load(step.sandbox_id).version != before
    return _told(failures, version, changed=changed)


def _clear_backoff(means: Means, step: Step, version: int) -> Outcome:
    def decide(state: SandboxState) -> Sequence[Event]:
        over = state.retry_at is not None and state.retry_at <= means.now
        return decisions.decide_clear_backoff(state, "time") if over else []

    _, events = means.worker.commit(step.sandbox_id, decide, means.author)
    return Outcome(bool(events), version)


def _adopt(means: Means, step: Step, version: int) -> Outcome:
    assert step.orphan is not None  # noqa: S101 - the planner gives these steps one
    return Outcome(adopt(means.worker, step.orphan, means.author), version)


def _remove_orphan(means: Means, step: Step, version: int) -> Outcome:
    assert step.orphan is not None  # noqa: S101 - the planner gives these steps one
    return Outcome(remove_orphan(means.worker, step.orphan, means.author), version)


def _evict(means: Means, step: Step, version: int, decide: Callable[[SandboxState], Sequence[Event]]) -> Outcome:
    evicted = _commit(means, step, version, decide)
    if not evicted.changed:
        return evicted
    means.replica.drop(step.sandbox_id, step.generation)
    return _told(settle(means.worker, step.sandbox_id, means.author), evicted.version, changed=True)


def _commit(means: Means, step: Step, version: int, decide: Callable[[SandboxState], Sequence[Event]]) -> Outcome:
    """Commit a decision on the planned version; on any other nothing is done, the next sweep plans anew."""
    state, events = means.worker.commit(
        step.sandbox_id, lambda s: decide(s) if s.version == version else [], means.author
    )
    return Outcome(bool(events), state.version if events else version)


def _told(failures: Sequence[SandboxError] | None, version: int, *, changed: bool) -> Outcome:
    return Outcome(changed, version, tuple(str(failure) for failure in failures or ()))


_ACTIONS: Mapping[Kind, Callable[[Means, Step, int], Outcome]] = {
    "dead": _record_death,
    "missing": _record_death,
    "abandoned": _abandon,
    "release": _release,
    "idle": _reap,
    "capacity": _make_room,
    "settle": _settle,
    "clear_backoff": _clear_backoff,
    "adopt": _adopt,
    "orphan": _remove_orphan,
}
