"""The decisions: one pure function per command, from the state it is made on to the events to append.

An empty answer means that there is nothing to do (the command is idempotent). `Stale` means that the fact the command
carries is about a generation that is no longer the one in question: the caller must not act on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain import events as ev
from provider.domain.containers import LOG_TAIL_BYTES, Evidence, SandboxInfo
from provider.domain.errors import IdentityCollision, SandboxError
from provider.domain.log import storable_text
from provider.domain.policy import BackoffPolicy
from provider.domain.state import SandboxState, Stamp, evolve

AcquireStep = Literal["create", "wait", "check"]
MAX_ERROR_LENGTH = 4096


class Stale(SandboxError):
    """The generation a late result belongs to was ended meanwhile; whoever brings it cleans up after itself."""


class EvidenceMissing(SandboxError):
    """A container that died unexpectedly was to be removed before its evidence was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """The command to start a sandbox's next generation."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    worker_id: str
    backend: str
    image: str
    container_prefix: str


def plan_acquire(state: SandboxState) -> AcquireStep:
    """Return an acquire's next step: start a container, wait for the one being started, or check the one there."""
    if state.is_live:
        return "check"
    return "wait" if state.status == "creating" else "create"


def check_identity(state: SandboxState, user_id: str | None, thread_id: str | None) -> None:
    """Refuse a sandbox that is bound to another (user, thread)."""
    if state.generation and (state.user_id, state.thread_id) != (user_id, thread_id):
        raise IdentityCollision(state.sandbox_id, (state.user_id, state.thread_id))


def decide_create(state: SandboxState, creation: Creation) -> list[ev.Event]:
    """Intend the next generation; nothing when one is live or being made. Ends a back-off whose time is over."""
    check_identity(state, creation.user_id, creation.thread_id)
    if plan_acquire(state) != "create":
        return []
    cause: ev.Cause = "restart" if state.status == "dead" else "cold"
    return [*decide_clear_backoff(state, "time"), _creating(state, creation, cause)]


def decide_restart(state: SandboxState, creation: Creation) -> list[ev.Event]:
    """Replace whatever container there is by the next generation, in one step that leaves no gap for others.

    It also ends a back-off and forgives the crashes.
    """
    check_identity(state, creation.user_id, creation.thread_id)
    evicted = decide_evict(state, state.generation, "request")
    cleared = decide_clear_backoff(state, "restart")
    return [*evicted, *cleared, _creating(state, creation, "restart")]


def decide_started(state: SandboxState, info: SandboxInfo) -> list[ev.Event]:
    """Record the container of the generation being made; `Stale` when that generation was given up."""
    _require_creating(state, info.generation)
    current = state.current
    if current is not None and current.started_at is not None and current.info(info.sandbox_id) == info:
        return []
    return [
        ev.SandboxStarted(
            generation=info.generation, container_id=info.container_id, container_name=info.container_name,
            host=info.host, url=info.url,
        )
    ]  # fmt: skip


def decide_ready(
    state: SandboxState, generation: int, startup_seconds: float, holders: Sequence[str]
) -> list[ev.Event]:
    """Open the new generation for use, held by these workers (warm when there are none); nothing when it is open."""
    if state.is_live and state.generation == generation:
        return []
    _require_creating(state, generation)
    held = [ev.SandboxAcquired(generation=generation, worker_id=holder, how="created") for holder in holders]
    return [ev.SandboxReady(generation=generation, startup_seconds=startup_seconds), *held]


def decide_create_failed(
    state: SandboxState, generation: int, stage: str, error: str, evidence: Evidence | None = None
) -> list[ev.Event]:
    """Give up the generation being made; nothing when it was given up already."""
    if state.status != "creating" or state.generation != generation:
        return []
    failed: list[ev.Event] = [
        ev.SandboxCreateFailed(generation=generation, stage=stage, error=storable_text(error, MAX_ERROR_LENGTH))
    ]
    return failed + ([_evidence(generation, evidence)] if evidence else [])


def decide_hold(state: SandboxState, worker_id: str) -> list[ev.Event]:
    """Hold a live sandbox; nothing when this worker holds it already."""
    if not state.is_live or worker_id in state.holders:
        return []
    how: ev.How = "shared" if state.holders else "warm"
    return [ev.SandboxAcquired(generation=state.generation, worker_id=worker_id, how=how)]


def decide_release(
    state: SandboxState, worker_id: str, cause: Literal["request", "shutdown", "lost_worker"] = "request"
) -> list[ev.Event]:
    """Let go of a sandbox; nothing when this worker does not hold it."""
    if worker_id not in state.holders:
        return []
    return [ev.SandboxReleased(generation=state.generation, worker_id=worker_id, cause=cause)]


def decide_release_all(state: SandboxState) -> list[ev.Event]:
    """Take every worker's hold off a sandbox; nothing when nobody holds it."""
    return [event for holder in state.holders for event in decide_release(state, holder)]


def decide_shutdown(
    state: SandboxState, worker_id: str, policy: Literal["keep", "destroy_own", "destroy_if_last"]
) -> list[ev.Event]:
    """Let go of a sandbox because its worker stops; with an opt-in policy, take it out of use if nobody else holds it.

    `destroy_own` does so only for a container that this worker made.
    """
    released = decide_release(state, worker_id, "shutdown")
    current = state.current
    if not released or policy == "keep" or set(state.holders) != {worker_id} or current is None:
        return released
    if policy == "destroy_own" and current.worker_id != worker_id:
        return released
    return [*released, ev.SandboxEvicted(generation=state.generation, reason="shutdown")]


def decide_died(
    state: SandboxState,
    generation: int,
    detected_by: ev.DetectedBy,
    detected_at: datetime,
    backoff: BackoffPolicy | None = None,
) -> list[ev.Event]:
    """Record a death and take the sandbox out of the mapping; nothing when the generation is not the live one.

    With a policy, too many crashes also begin a back-off. `detected_at` is a time of the database's clock.
    """
    if not state.is_live or state.generation != generation:
        return []
    died = ev.SandboxDied(generation=generation, detected_by=detected_by, detected_at=detected_at)
    if backoff is None:
        return [died]
    crashes = evolve(state, died, Stamp(position=0, recorded_at=detected_at)).crashes
    retry_at = backoff.retry_at(crashes, detected_at)
    if retry_at is None:
        return [died]
    failures = backoff.count(crashes, detected_at)
    return [died, ev.CrashLoopEntered(generation=generation, failures=failures, retry_at=retry_at)]


def decide_clear_backoff(state: SandboxState, cleared_by: str) -> list[ev.Event]:
    """End a crash-loop back-off; an operator's word also forgives the crashes, the mere end of its time does not."""
    if state.retry_at is None:
        return []
    return [ev.CrashLoopCleared(generation=state.generation, cleared_by=cleared_by)]


def decide_examined(state: SandboxState, generation: int, evidence: Evidence) -> list[ev.Event]:
    """Evict a dead generation with the evidence of its death, or add evidence that was missing."""
    found = state.find(generation)
    if found is None or not found.needs_evidence:
        return []
    examined: list[ev.Event] = [_evidence(generation, evidence)]
    return examined if found.ended_at else [*_evicted_dead(generation, evidence), *examined]


def decide_evict_dead(state: SandboxState, generation: int) -> list[ev.Event]:
    """Evict a dead generation whose evidence cannot be had now; it is asked for again before the removal."""
    found = state.find(generation)
    return _evicted_dead(generation, None) if found and found.died_at and not found.ended_at else []


def decide_evict(state: SandboxState, generation: int, reason: ev.EndReason) -> list[ev.Event]:
    """Take a generation out of use, whatever it is doing; nothing when it is out of use already."""
    found = state.find(generation)
    if found is None or found.ended_at is not None or found.died_at is not None:
        return []
    return [ev.SandboxEvicted(generation=generation, reason=reason)]


def decide_evict_warm(state: SandboxState) -> list[ev.Event]:
    """Evict a sandbox for capacity; nothing when somebody has taken it meanwhile."""
    return decide_evict(state, state.generation, "capacity") if state.status == "warm" else []


def decide_removed(state: SandboxState, generation: int, error: str | None) -> list[ev.Event]:
    """Record the outcome of a removal; nothing when the generation is settled already.

    The second of two failures with the same words says nothing new and is not recorded again. Raise
    `EvidenceMissing` for a removal that may not be done yet.
    """
    found = state.find(generation)
    if found is None or not found.needs_removal:
        return []
    if error is None:
        if not found.may_be_removed:
            raise EvidenceMissing(
                f"sandbox {state.sandbox_id}: generation {generation} died unexpectedly and may be removed only after "
                "its evidence is recorded; collect it first"
            )
        return [ev.SandboxDestroyed(generation=generation)]
    words = storable_text(error, MAX_ERROR_LENGTH)
    return [] if words == found.removal_error else [ev.SandboxDestroyFailed(generation=generation, error=words)]


def _creating(state: SandboxState, creation: Creation, cause: ev.Cause) -> ev.SandboxCreating:
    number = state.generation + 1
    return ev.SandboxCreating(
        generation=number, sandbox_id=creation.sandbox_id, user_id=creation.user_id, thread_id=creation.thread_id,
        backend=creation.backend, image=creation.image, worker_id=creation.worker_id, cause=cause,
        container_name=f"{creation.container_prefix}-{creation.sandbox_id}-g{number}",
    )  # fmt: skip


def _require_creating(state: SandboxState, generation: int) -> None:
    if state.status != "creating" or state.generation != generation:
        raise Stale(f"sandbox {state.sandbox_id}: generation {generation} was given up while it was being made")


def _evicted_dead(generation: int, evidence: Evidence | None) -> list[ev.Event]:
    reason: ev.EndReason = "oom" if evidence and evidence.oom_killed else "crashed"
    return [ev.SandboxEvicted(generation=generation, reason=reason)]


def _evidence(generation: int, evidence: Evidence) -> ev.EvidenceCollected:
    return ev.EvidenceCollected(
        generation=generation, found=evidence.found, exit_code=evidence.exit_code, oom_killed=evidence.oom_killed,
        engine_error=storable_text(evidence.engine_error, MAX_ERROR_LENGTH), finished_at=evidence.finished_at,
        limits=evidence.limits, log_tail=storable_text(evidence.log_tail, LOG_TAIL_BYTES),
    )  # fmt: skip
