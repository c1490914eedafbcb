"""What the decisions say where a random walk seldom goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provider.domain import decisions
from provider.domain import events as ev
from provider.domain.containers import Evidence, Limits
from provider.domain.decisions import Creation, EvidenceMissing
from provider.domain.errors import IdentityCollision
from provider.domain.events import Event
from provider.domain.state import SandboxState, Stamp, evolve

START = datetime(2026, 1, 1, tzinfo=UTC)
CREATION = Creation(
    sandbox_id="0" * 16, user_id="u", thread_id="t", worker_id="w", backend="b", image="i", container_prefix="p"
)
CREATED = decisions.decide_create(SandboxState(sandbox_id="0" * 16), CREATION)
READY: list[Event] = [
    *CREATED, ev.SandboxReady(generation=1, startup_seconds=1.5),
    ev.SandboxAcquired(generation=1, worker_id="w", how="created"),
]  # fmt: skip
DIED = ev.SandboxDied(generation=1, detected_by="get", detected_at=START)


def after(*events: Event) -> SandboxState:
    state = SandboxState(sandbox_id="0" * 16)
    for position, event in enumerate(events, 1):
        state = evolve(state, event, Stamp(position=position, recorded_at=START))
    return state


def test_a_dead_container_without_evidence_is_not_removed() -> None:
    state = after(*READY, DIED)
    state = after(*READY, DIED, *decisions.decide_evict_dead(state, 1))
    found = state.find(1)
    assert found is not None
    assert found.needs_removal
    assert not found.may_be_removed
    with pytest.raises(EvidenceMissing, match="only after its evidence"):
        decisions.decide_removed(state, 1, None)


@pytest.mark.parametrize("reason", ["crashed", "oom"])
def test_an_eviction_for_a_crash_asks_for_evidence_too(reason: ev.EndReason) -> None:
    state = after(*READY, ev.SandboxEvicted(generation=1, reason=reason))
    with pytest.raises(EvidenceMissing):
        decisions.decide_removed(state, 1, None)
    assert [event.type for event in decisions.decide_examined(state, 1, Evidence(found=True))] == ["EvidenceCollected"]


def test_missing_evidence_is_evidence_too() -> None:
    state = after(*READY, DIED)
    examined = decisions.decide_examined(state, 1, Evidence(found=False))
    assert [event.type for event in examined] == ["SandboxEvicted", "EvidenceCollected"]
    assert [e.type for e in decisions.decide_removed(after(*READY, DIED, *examined), 1, None)] == ["SandboxDestroyed"]


@pytest.mark.parametrize(("oom", "reason"), [(True, "oom"), (False, "crashed")])
def test_the_evidence_tells_the_reason(oom: bool, reason: str) -> None:
    evidence = Evidence(found=True, oom_killed=oom, limits=Limits(memory_bytes=64))
    evicted, collected = decisions.decide_examined(after(*READY, DIED), 1, evidence)
    assert isinstance(evicted, ev.SandboxEvicted)
    assert isinstance(collected, ev.EvidenceCollected)
    assert (evicted.reason, collected.limits) == (reason, Limits(memory_bytes=64))


def test_foreign_text_is_made_storable() -> None:
    evidence = Evidence(found=True, engine_error="a\0b", log_tail="\udcff" + "x" * 10_000)
    (_, collected) = decisions.decide_examined(after(*READY, DIED), 1, evidence)
    (failed, *_) = decisions.decide_create_failed(after(*CREATED), 1, "start", "no\0" * 10_000)
    assert isinstance(collected, ev.EvidenceCollected)
    assert isinstance(failed, ev.SandboxCreateFailed)
    assert collected.engine_error == "a\ufffdb"
    assert len(collected.log_tail) == 8192
    assert "\0" not in failed.error
    assert len(failed.error) == decisions.MAX_ERROR_LENGTH


def test_the_same_failure_is_recorded_once_whatever_is_in_its_words() -> None:
    evicted = [*READY, ev.SandboxEvicted(generation=1, reason="idle")]
    failed = decisions.decide_removed(after(*evicted), 1, "no\0")
    assert decisions.decide_removed(after(*evicted, *failed), 1, "no\0") == []
    assert decisions.decide_removed(after(*evicted, *failed), 1, "other") != []


@pytest.mark.parametrize("pair", [("u", "other"), ("other", "t"), (None, "t"), ("u", None)])
def test_a_bound_sandbox_is_refused_to_another_pair(pair: tuple[str | None, str | None]) -> None:
    with pytest.raises(IdentityCollision) as refusal:
        decisions.check_identity(after(*CREATED), *pair)
    assert refusal.value.bound_to == ("u", "t")
    decisions.check_identity(after(*CREATED), "u", "t")


def test_a_removed_orphan_binds_no_pair() -> None:
    state = after(ev.OrphanRemoved(generation=1, container_id="c", container_name="n"))
    assert [event.type for event in decisions.decide_create(state, CREATION)] == ["SandboxCreating"]


def test_generations_are_named_and_explained() -> None:
    (second,) = decisions.decide_create(after(*READY, DIED), CREATION)
    assert isinstance(second, ev.SandboxCreating)
    assert (second.generation, second.cause, second.container_name) == (2, "restart", f"p-{'0' * 16}-g2")


def test_a_death_that_is_noticed_late_does_not_end_the_next_generation() -> None:
    second = [
        *READY, DIED, *decisions.decide_create(after(*READY, DIED), CREATION),
        ev.SandboxReady(generation=2, startup_seconds=1.5),
    ]  # fmt: skip
    assert after(*second).is_live
    assert decisions.decide_died(after(*second), 1, "watch", START) == []
    assert [event.type for event in decisions.decide_died(after(*second), 2, "watch", START)] == ["SandboxDied"]
