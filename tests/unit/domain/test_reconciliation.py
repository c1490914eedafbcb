"""Planning a sweep. The law: who acts on a plan and plans again has nothing left to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from provider.domain import decisions
from provider.domain.ids import derive_sandbox_id
from provider.domain.policy import Capacity
from provider.domain.reconciliation import ACTIVITY_LAG_SECONDS, Policy
from tests.unit.domain.ledger_model import LEASE, World, act, settle

POLICY = Policy(
    worker_id="me",
    backend="fake",
    lease_seconds=LEASE,
    idle_timeout=600.0,
    capacity=Capacity(replicas=100),
    orphan_grace=120.0,
)
IDS = [f"{n:016x}" for n in range(5)]
WORKERS = ["me", "living", "silent", "ended", "unknown"]
AGES = st.sampled_from([0.0, 1.0, 29.0, 31.0, 119.0, 121.0, 599.0, 601.0, 604.0, 5000.0])


LIMITS = st.builds(Capacity, replicas=st.integers(1, 6), per_user=st.sampled_from([None, 1, 2]))
OWNERS = {IDS[0]: "ann", IDS[1]: "ann", IDS[2]: "ann", IDS[3]: "bob"}


def world_of_workers(owners: Mapping[str, str] | None = None) -> World:
    world = World(owners=dict(owners or {}))
    world.add_worker("me")
    world.add_worker("living", silent=1.0)
    world.add_worker("silent", silent=LEASE + 1)
    world.add_worker("ended", silent=1.0, ended=True)
    return world


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any ledger that the decisions can write, and any engine beside it."""
    world = world_of_workers(OWNERS)
    for sandbox_id in draw(st.lists(st.sampled_from(IDS), max_size=5, unique=True)):
        for _ in range(draw(st.integers(1, 3))):
            _live_a_life(draw, world, sandbox_id)
        if draw(st.booleans()):
            world.activity[sandbox_id] = world.now - timedelta(seconds=draw(AGES))
    _disturb(draw, world)
    return world


def _live_a_life(draw: st.DrawFn, world: World, sandbox_id: str) -> None:
    age, worker = draw(AGES), draw(st.sampled_from(WORKERS))
    world.create(sandbox_id, worker, age=age, backend=draw(st.sampled_from(["fake", "fake", "fake", "other"])))
    if draw(st.integers(0, 5)) == 0:
        return
    world.start(sandbox_id, age=age)
    if draw(st.integers(0, 5)) == 0:
        return
    world.ready(sandbox_id, draw(st.lists(st.sampled_from(WORKERS), max_size=3, unique=True)), age=age)
    ending = draw(st.sampled_from(["none", "none", "died", "evicted", "crash loop", "settled"]))
    state = world.state(sandbox_id)
    if ending in ("died", "crash loop", "settled"):
        world.append(sandbox_id, decisions.decide_died(state, state.generation, "get", world.now), age=age)
    elif ending == "evicted":
        world.append(sandbox_id, decisions.decide_evict(state, state.generation, "request"), age=age)
    if ending == "settled":
        settle(world, sandbox_id)
    if ending == "crash loop":
        retry_at = world.now + timedelta(seconds=draw(st.sampled_from([-5.0, 5.0])))
        world.states[sandbox_id] = replace(world.state(sandbox_id), retry_at=retry_at)


def _disturb(draw: st.DrawFn, world: World) -> None:
    for container in list(world.containers):
        happened = draw(st.sampled_from(["nothing", "nothing", "stopped", "vanished"]))
        if happened == "stopped":
            world.stop(container.info)
        elif happened == "vanished":
            world.destroy(container.info)
    unnamed = {(s.sandbox_id, g.number) for s in world.states.values() for g in s.generations if not g.container_id}
    for _ in range(draw(st.integers(0, 4))):
        key = draw(st.sampled_from(IDS)), draw(st.integers(1, 5))
        if key not in unnamed:  # names are unique on an engine
            world.put(*key, age=draw(AGES), running=draw(st.booleans()))


@settings(max_examples=400, deadline=None)
@given(worlds(), LIMITS, st.sampled_from([0.0, 600.0]), st.booleans(), st.booleans())
def test_acting_on_a_plan_and_planning_again_gives_an_empty_plan(
    world: World, capacity: Capacity, idle_timeout: float, adopt: bool, checks: bool
) -> None:
    policy = replace(POLICY, capacity=capacity, idle_timeout=idle_timeout, adopt=adopt, checks=checks)

    act(world, world.plan(policy), policy)

    again = world.plan(policy)
    assert again.is_empty, again.steps
    for warm in (state for state in world.states.values() if state.status == "warm"):
        live = [state for state in world.states.values() if state.occupies]
        own = [state for state in live if state.user_id == warm.user_id]
        assert len(live) <= capacity.replicas
        assert warm.user_id is None or capacity.per_user is None or len(own) <= capacity.per_user


@settings(max_examples=200, deadline=None)
@given(worlds(), st.booleans())
def test_what_a_living_worker_uses_is_never_touched(world: World, adopt: bool) -> None:
    policy = replace(POLICY, capacity=Capacity(replicas=1), adopt=adopt)
    used = {
        state.sandbox_id: state.current.container_id
        for state in world.states.values()
        if state.current is not None
        and state.current.backend == "fake"
        and {"me", "living"} & set(state.holders)
        and world.is_alive(state.current.info(state.sandbox_id))
        and world.now - (state.updated_at or world.now) < timedelta(minutes=10)
    }

    act(world, world.plan(policy), policy)

    for sandbox_id, container_id in used.items():
        current = world.state(sandbox_id).current
        assert world.state(sandbox_id).status == "active"
        assert current is not None
        assert (current.container_id, world.is_alive(current.info(sandbox_id))) == (container_id, True)


def _live(world: World, sandbox_id: str = IDS[0], holders: tuple[str, ...] = ("me",), age: float = 0.0) -> None:
    world.create(sandbox_id, "me", age=age)
    world.start(sandbox_id, age=age)
    world.ready(sandbox_id, holders, age=age)


def _kinds(world: World, policy: Policy = POLICY) -> list[str]:
    return [step.kind for step in world.plan(policy).steps]


def test_a_healthy_sandbox_is_expected_and_left_alone() -> None:
    world = world_of_workers()
    _live(world)
    world.workers.pop("silent")
    plan = world.plan(POLICY)
    assert (plan.expected, plan.observed, plan.is_empty) == (1, 1, True)


def test_stopped_and_vanished_containers_are_told_apart() -> None:
    world = world_of_workers()
    _live(world, IDS[0])
    _live(world, IDS[1])
    world.stop(world.containers[0].info)
    world.destroy(world.containers[1].info)
    world.put(IDS[2], 1)
    assert _kinds(world) == ["dead", "missing"]
    assert _kinds(world, replace(POLICY, checks=False)) == []


def test_what_this_engine_cannot_answer_for_is_left_alone() -> None:
    world = world_of_workers()
    _live(world, IDS[0])
    world.destroy(world.containers[0].info)
    world.put(IDS[1], 1, host="another machine")
    assert _kinds(world) == [], "recorded on a machine that the listing does not cover"
    world.containers.clear()
    assert _kinds(world) == ["missing"], "an empty listing names no machine: the engine is asked"

    other = world_of_workers()
    other.create(IDS[0], "ended", backend="other")
    other.append(IDS[0], decisions.decide_create_failed(other.state(IDS[0]), 1, "engine", "no"))
    assert _kinds(other) == []


def test_a_hold_outlives_silence_shorter_than_the_lease_only() -> None:
    world = world_of_workers()
    _live(world, holders=("living", "silent", "ended"))
    assert [step.worker_id for step in world.plan(POLICY).steps] == ["ended", "silent"], "in the order of their ids"
    assert world.plan(POLICY).lost_workers == ("silent",)
    fresh = world_of_workers()
    _live(fresh, holders=("unknown",), age=LEASE - 1)
    assert _kinds(fresh) == []
    _live(fresh, IDS[1], holders=("unknown",), age=LEASE + 1)
    assert _kinds(fresh) == ["release"]


def test_idle_counts_from_the_last_activity_and_zero_disables() -> None:
    world = world_of_workers()
    _live(world, IDS[0], age=9999)
    _live(world, IDS[1], (), age=9999)
    world.activity[IDS[0]] = world.now - timedelta(seconds=599)
    assert [(s.sandbox_id, s.kind) for s in world.plan(POLICY).steps] == [(IDS[1], "idle")]
    assert _kinds(world, replace(POLICY, idle_timeout=0.0)) == []


def test_another_workers_activity_may_be_on_record_late() -> None:
    world = world_of_workers()
    _live(world, IDS[0], ("living",), age=600 + ACTIVITY_LAG_SECONDS - 0.5)
    _live(world, IDS[1], ("me",), age=600 + ACTIVITY_LAG_SECONDS - 0.5)
    assert [step.sandbox_id for step in world.plan(POLICY).steps] == [IDS[1]]
    world.now += timedelta(seconds=1)
    assert len(world.plan(POLICY).steps) == 2


def test_overshoot_evicts_the_least_recently_used_warm_ones() -> None:
    world = world_of_workers()
    for number, age in enumerate([10, 50, 30, 20]):
        _live(world, IDS[number], (), age=age)
    _live(world, IDS[4], ("living",), age=100)
    assert [(s.kind, s.sandbox_id) for s in world.plan(replace(POLICY, capacity=Capacity(replicas=3))).steps] == [
        ("capacity", IDS[1]),
        ("capacity", IDS[2]),
    ]


def test_a_users_overshoot_evicts_that_users_own_and_no_more_than_needed() -> None:
    world = world_of_workers(OWNERS)
    for number, age in enumerate([10, 50, 30, 99, 98]):
        _live(world, IDS[number], (), age=age)
    limited = replace(POLICY, capacity=Capacity(replicas=4, per_user=2))
    assert [(s.kind, s.sandbox_id) for s in world.plan(limited).steps] == [("capacity", IDS[1])]
    nameless = world_of_workers()
    for number in range(3):
        _live(nameless, IDS[number], ())
    assert _kinds(nameless, limited) == [], "who has no name shares no limit"


def test_adoption_keeps_within_a_users_limit() -> None:
    world = world_of_workers(OWNERS)
    for number in range(4):
        world.put(IDS[number], 1)
    plan = world.plan(replace(POLICY, adopt=True, capacity=Capacity(replicas=9, per_user=2)))
    assert [step.sandbox_id for step in plan.steps] == [IDS[0], IDS[1], IDS[3]]
    assert [info.sandbox_id for info in plan.unplaced] == [IDS[2]]


def test_a_creation_is_abandoned_when_its_worker_is_gone() -> None:
    world = world_of_workers()
    for number, worker in enumerate(["me", "living", "silent", "ended", "unknown"]):
        world.create(IDS[number], worker, age=LEASE - 1)
    assert [(s.kind, s.worker_id) for s in world.plan(POLICY).steps] == [
        ("abandoned", "silent"),
        ("abandoned", "ended"),
    ]


def test_the_container_of_a_creation_is_no_orphan_however_old() -> None:
    world = world_of_workers()
    world.create(IDS[0], "living", age=5000)
    world.put(IDS[0], 1, age=5000)
    assert _kinds(world) == []


def test_orphans_go_after_the_grace_and_never_before_a_lease_has_passed() -> None:
    world = world_of_workers()
    world.put(IDS[0], 1, age=119)
    world.put(IDS[1], 1, age=121)
    assert [(s.kind, s.sandbox_id) for s in world.plan(POLICY).steps] == [("orphan", IDS[1])]
    eager = replace(POLICY, orphan_grace=0.0)
    world.put(IDS[2], 1, age=LEASE - 1)
    assert IDS[2] not in {step.sandbox_id for step in world.plan(eager).steps}
    world.containers = [replace(found, created_at=None) for found in world.containers]
    assert _kinds(world, eager) == [], "of unknown age"


def test_of_two_containers_the_recorded_one_is_kept() -> None:
    world = world_of_workers()
    _live(world, age=5000)
    world.activity[IDS[0]] = world.now
    world.put(IDS[0], 1, age=5000)
    (step,) = world.plan(POLICY).steps
    assert step.orphan is not None
    assert (step.kind, step.orphan.info.container_id) == ("orphan", "c2")


def test_adoption_takes_the_newest_running_container_as_far_as_there_is_room() -> None:
    adopting = replace(POLICY, adopt=True, capacity=Capacity(replicas=1))
    world = world_of_workers()
    world.put(IDS[0], 2, age=5000)
    world.put(IDS[0], 3, age=5000)
    world.put(IDS[1], 1, age=5000)
    plan = world.plan(adopting)
    assert [(s.kind, s.generation) for s in plan.steps] == [("adopt", 3), ("orphan", 2)]
    assert [info.sandbox_id for info in plan.unplaced] == [IDS[1]]


def test_a_container_whose_labels_contradict_its_id_is_not_adopted() -> None:
    world = world_of_workers()
    info = world.put(derive_sandbox_id("alice", "thread-1"), 1)
    labels = {"sandbox-ledger.user": "alice", "sandbox-ledger.thread": "thread-1"}
    adopting = replace(POLICY, adopt=True)
    world.containers = [replace(world.containers[0], labels=labels)]
    assert _kinds(world, adopting) == ["adopt"]
    world.containers = [replace(world.containers[0], labels={**labels, "sandbox-ledger.user": "mallory"})]
    assert _kinds(world, adopting) == []
    assert world.plan(adopting).observed == 1
    assert info.generation == 1


def test_a_back_off_ends_when_its_time_is_over() -> None:
    world = world_of_workers()
    _live(world)
    state = world.state(IDS[0])
    world.append(IDS[0], decisions.decide_died(state, 1, "get", world.now))
    settle(world, IDS[0])
    world.states[IDS[0]] = replace(world.state(IDS[0]), retry_at=world.now + timedelta(seconds=1))
    assert _kinds(world) == []
    world.now += timedelta(seconds=1)
    assert _kinds(world) == ["clear_backoff"]
