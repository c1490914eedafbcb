"""Random commands against the decisions: whatever order they come in, the invariants hold after every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from provider.domain import decisions
from provider.domain import events as ev
from provider.domain.containers import Evidence, SandboxInfo
from provider.domain.decisions import Creation, EvidenceMissing, Stale
from provider.domain.events import END_REASONS, Event
from provider.domain.state import SandboxState, Stamp, evolve, settled

START = datetime(2026, 1, 1, tzinfo=UTC)
SANDBOX = "0123456789abcdef"
WORKERS = st.sampled_from(["w1", "w2", "w3"])
AGES = st.sampled_from([0, 0, 0, 1, 2])
"""How many generations ago the one is that a command is about."""

MOVES = {
    "absent": {"creating"},
    "creating": {"warm", "active", "gone", "evicting"},
    "warm": {"active", "dead", "evicting"},
    "active": {"warm", "dead", "evicting"},
    "dead": {"creating"},
    "evicting": {"gone", "creating"},
    "gone": {"creating"},
}


class Lifecycle(RuleBasedStateMachine):
    """One sandbox; every command decides on its state, and what it decides is folded in."""

    def __init__(self) -> None:
        super().__init__()
        self.state = SandboxState(sandbox_id=SANDBOX)
        self.unsettled = self.state
        self.position = 0

    def do(self, decide: Callable[[SandboxState], list[Event]]) -> None:
        before = self.state
        for event in decide(before):
            self.check_removal(event)
            self.position += 1
            stamp = Stamp(position=self.position, recorded_at=START + timedelta(seconds=self.position))
            self.state = settled(evolve(self.state, event, stamp))
            self.unsettled = evolve(self.unsettled, event, stamp)
        assert decide(self.state) == [], "a command that was carried out has nothing left to do"
        assert self.state.generation >= before.generation
        if self.state.status != before.status:
            assert self.state.status in MOVES[before.status], f"{before.status} -> {self.state.status}"

    def check_removal(self, event: Event) -> None:
        if not isinstance(event, ev.SandboxDestroyed):
            return
        removed = self.state.find(event.generation)
        assert removed is not None
        assert removed.ended_at is not None, "removed while it was in use"
        crashed = removed.died_at is not None or removed.end_reason in ("crashed", "oom")
        assert not crashed or removed.evidence_position is not None, "no evidence, no removal"

    def number(self, age: int) -> int:
        return max(1, self.state.generation - age)

    @rule(worker=WORKERS)
    def create(self, worker: str) -> None:
        creation = Creation(
            sandbox_id=SANDBOX, user_id="u", thread_id="t", worker_id=worker, backend="fake", image="i",
            container_prefix="sandbox",
        )  # fmt: skip
        self.do(lambda state: decisions.decide_create(state, creation))

    @rule(age=AGES)
    def started(self, age: int) -> None:
        number = self.number(age)
        info = SandboxInfo(SANDBOX, number, f"id-{number}", f"sandbox-{SANDBOX}-g{number}", "host", "http://h:1")
        self.late(number, lambda state: decisions.decide_started(state, info))

    @rule(age=AGES, holders=st.lists(WORKERS, max_size=2))
    def ready(self, age: int, holders: list[str]) -> None:
        number = self.number(age)
        self.late(number, lambda state: decisions.decide_ready(state, number, 1.5, holders))

    def late(self, number: int, decide: Callable[[SandboxState], list[Event]]) -> None:
        """Bring a result that is refused when its generation is no longer the one being made."""
        try:
            self.do(decide)
        except Stale:
            assert self.state.status != "creating" or self.state.generation != number

    @rule(age=AGES, evidence=st.booleans())
    def create_failed(self, age: int, evidence: bool) -> None:
        number, found = self.number(age), Evidence(found=True, exit_code=1) if evidence else None
        self.do(lambda state: decisions.decide_create_failed(state, number, "start", "refused", found))

    @rule(worker=WORKERS)
    def hold(self, worker: str) -> None:
        self.do(lambda state: decisions.decide_hold(state, worker))

    @rule(worker=WORKERS, cause=st.sampled_from(["request", "shutdown", "lost_worker"]))
    def release(self, worker: str, cause: Literal["request", "shutdown", "lost_worker"]) -> None:
        self.do(lambda state: decisions.decide_release(state, worker, cause))

    @rule(worker=WORKERS, policy=st.sampled_from(["keep", "destroy_own", "destroy_if_last"]))
    def shut_down(self, worker: str, policy: Literal["keep", "destroy_own", "destroy_if_last"]) -> None:
        self.do(lambda state: decisions.decide_shutdown(state, worker, policy))

    @rule(age=AGES)
    def died(self, age: int) -> None:
        number = self.number(age)
        self.do(lambda state: decisions.decide_died(state, number, "watch", START))

    @rule(age=AGES, found=st.booleans(), oom=st.booleans())
    def examined(self, age: int, found: bool, oom: bool) -> None:
        number = self.number(age)
        self.do(lambda state: decisions.decide_examined(state, number, Evidence(found=found, oom_killed=oom)))

    @rule(age=AGES)
    def evict_dead(self, age: int) -> None:
        number = self.number(age)
        self.do(lambda state: decisions.decide_evict_dead(state, number))

    @rule(age=AGES, reason=st.sampled_from(END_REASONS))
    def evict(self, age: int, reason: ev.EndReason) -> None:
        number = self.number(age)
        self.do(lambda state: decisions.decide_evict(state, number, reason))

    @rule(age=AGES, error=st.none() | st.sampled_from(["busy", "gone away"]))
    def removed(self, age: int, error: str | None) -> None:
        number = self.number(age)
        try:
            self.do(lambda state: decisions.decide_removed(state, number, error))
        except EvidenceMissing:
            found = self.state.find(number)
            assert error is None
            assert found is not None
            assert found.needs_evidence
            assert not found.may_be_removed

    @invariant()
    def at_most_one_generation_lives(self) -> None:
        live = [g for g in self.state.generations if g.ready_at and not (g.died_at or g.ended_at)]
        assert len(live) == (1 if self.state.is_live else 0)
        assert not live or live[0] is self.state.current

    @invariant()
    def only_an_active_sandbox_is_held(self) -> None:
        assert bool(self.state.holders) == (self.state.status == "active")

    @invariant()
    def every_older_generation_is_out_of_use(self) -> None:
        assert all(g.died_at or g.ended_at for g in self.state.generations if g.number != self.state.generation)

    @invariant()
    def the_version_counts_the_events(self) -> None:
        assert self.state.version == self.position

    @invariant()
    def forgetting_makes_no_difference(self) -> None:
        assert settled(self.unsettled) == self.state


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
