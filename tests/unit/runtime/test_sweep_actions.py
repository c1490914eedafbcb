"""What a sweep does, step by step, on the fake engine and both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from provider import SandboxProvider
from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, CapacityExceeded
from provider.domain.ids import derive_sandbox_id
from provider.domain.sweeps import Counts
from provider.testing import FakeBackend
from tests.support.waiting import wait_until
from tests.unit.runtime.sweep_rig import SweepRig, counted_statements

RECORDED_AND_REMOVED = ["SandboxDied", "SandboxEvicted", "EvidenceCollected", "SandboxDestroyed"]


@pytest.fixture
def rig(database_url: str) -> Iterator[SweepRig]:
    made = SweepRig(database_url)
    yield made
    made.close()


def test_dead_and_vanished_containers_are_recorded_and_removed_by_the_sweep(rig: SweepRig) -> None:
    worker = rig.open()
    dead, vanished, healthy = (worker.acquire(name) for name in ("dead", "vanished", "healthy"))
    rig.engine.kill(dead)
    rig.engine.vanish(vanished)

    report = worker.sweep()

    assert (report.counts.expected, report.counts.observed, report.counts.dead, report.counts.actions) == (3, 2, 2, 2)
    assert rig.types(dead)[-4:] == RECORDED_AND_REMOVED
    assert rig.types(vanished)[-4:] == RECORDED_AND_REMOVED
    assert rig.status(healthy) == "active"
    died = next(e for e in rig.store.read_stream(f"sandbox:{dead}") if e.event.type == "SandboxDied")
    assert (died.event.detected_by, died.actor) == ("sweep", f"sweeper:{worker.worker_id}")  # type: ignore[attr-defined]
    assert rig.ledger_types() == ["SweepCompleted"]
    assert worker.sweep().plan.is_empty
    found = rig.rows("SELECT detected_by FROM generations WHERE died_at >= finished_at")
    assert [row["detected_by"] for row in found] == ["sweep"]


def test_without_checks_nothing_is_found_dead(rig: SweepRig) -> None:
    worker = rig.open(auto_restart=False)
    sandbox_id = worker.acquire("t")
    rig.engine.kill(sandbox_id)
    assert worker.sweep().plan.is_empty
    assert rig.status(sandbox_id) == "active"


def test_a_container_that_the_listing_misses_is_asked_for_before_it_is_called_dead(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    rig.engine.set_unavailable("is_alive")
    listing = rig.engine.discover
    rig.engine.discover = list  # type: ignore[method-assign]
    assert worker.sweep().counts == Counts(expected=1, failures=1)
    rig.engine.set_available()
    assert worker.sweep().counts == Counts(expected=1)
    rig.engine.discover = listing  # type: ignore[method-assign]
    assert rig.status(sandbox_id) == "active"


def test_s63_an_engine_that_is_down_fails_the_sweep_and_evicts_nothing(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    rig.engine.kill(sandbox_id)
    rig.engine.set_unavailable()
    with pytest.raises(BackendUnavailable):
        worker.sweep()
    assert rig.status(sandbox_id) == "active"
    (row,) = rig.sweeps.list_recent()
    assert row.finished_at is not None
    assert row.counts.failures == 1
    assert "BackendUnavailable" in str(row.error)
    assert rig.ledger_types() == []
    rig.engine.set_available()
    assert worker.sweep().counts.dead == 1


def test_evidence_and_removals_that_failed_are_tried_again(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    rig.engine.kill(sandbox_id)
    rig.engine.set_unavailable("evidence")
    assert worker.get(sandbox_id) is None
    assert worker.sweep().counts.failures == 1
    rig.engine.set_available()
    rig.engine.fail_destroy()
    assert worker.sweep().counts.failures == 1
    assert rig.types(sandbox_id)[-2:] == ["EvidenceCollected", "SandboxDestroyFailed"]
    assert worker.sweep().counts.failures == 0
    assert rig.engine.containers() == []
    assert worker.sweep().plan.is_empty


def test_a_failure_that_says_nothing_new_is_no_change(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    rig.engine.fail_destroy(times=99)
    with pytest.raises(BackendUnavailable):
        worker.destroy(sandbox_id)
    before = rig.store.head_position()
    counts = worker.sweep().counts
    assert (counts.actions, counts.failures) == (0, 1)
    assert rig.store.head_position() == before


def test_idle_ones_are_reaped_and_zero_disables(rig: SweepRig) -> None:
    worker = rig.open(idle_timeout=600)
    active, warm = worker.acquire("active"), worker.acquire("warm")
    worker.release(warm)
    worker.sweep()
    rig.age(500)
    assert worker.sweep().plan.is_empty
    rig.age(700)
    assert rig.open(idle_timeout=0).sweep().plan.is_empty
    report = worker.sweep()
    assert report.counts.idle == 2
    for sandbox_id in (active, warm):
        evicted = [e.event for e in rig.store.read_stream(f"sandbox:{sandbox_id}") if e.event.type == "SandboxEvicted"]
        assert evicted[0].reason == "idle"  # type: ignore[attr-defined]
    assert rig.engine.containers() == []


def test_s127_what_a_lost_worker_held_is_nobodys_to_evict_for_one_lease_time(rig: SweepRig) -> None:
    """Its worker may only have been paused, as all are on a host that was suspended, with a call in flight."""
    lost = rig.open()
    held = lost.acquire("held")
    worker = rig.open(replicas=1, overflow="reject", idle_timeout=0.001)
    rig.silence(lost.worker_id, 60)
    assert worker.sweep().lost_workers == [lost.worker_id]
    with pytest.raises(CapacityExceeded):
        worker.acquire("other")
    again = worker.sweep().counts
    assert (again.idle, again.actions) == (0, 0)
    assert rig.status(held) in ("warm", "active")  # active when the lost one is back already
    assert "SandboxEvicted" not in rig.types(held)


def test_a_sandbox_used_since_the_plan_is_not_reaped(rig: SweepRig) -> None:
    worker, other = rig.open(idle_timeout=600), rig.open(idle_timeout=600)
    sandbox_id = worker.acquire("t")
    worker.release(sandbox_id)
    worker.sweep()
    rig.age(700)
    gate = rig.engine.hang("discover")
    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(worker.sweep)
        gate.wait_entered()
        assert other.acquire("t") == sandbox_id
        gate.open()
        assert sweeping.result().counts.idle == 0
    assert rig.status(sandbox_id) == "active"


def test_a_sandbox_used_since_the_plan_is_not_evicted_for_room(rig: SweepRig) -> None:
    worker, other = rig.open(replicas=1), rig.open()
    oldest, newest = other.acquire("oldest"), other.acquire("newest")
    other.release(oldest)
    other.release(newest)
    gate = rig.engine.hang("discover")
    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(worker.sweep)
        gate.wait_entered()
        assert other.acquire("oldest") == oldest
        other.release(oldest)
        gate.open()
        assert [step.sandbox_id for step in sweeping.result().plan.steps] == [oldest]
    assert (rig.status(oldest), rig.status(newest)) == ("warm", "warm")
    worker.sweep()
    assert (rig.status(oldest), rig.status(newest)) == ("warm", "gone")


def test_a_container_created_during_the_sweep_is_no_orphan(rig: SweepRig) -> None:
    rig.clock_seconds = -10_000  # an engine whose clock is hours behind: every container looks old
    worker, other = rig.open(), rig.open()
    gate = rig.engine.hang("discover")
    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(worker.sweep)
        gate.wait_entered()
        sandbox_id = other.acquire("t")
        gate.open()
        report = sweeping.result()
    assert [step.kind for step in report.plan.steps] == ["orphan"]
    assert report.counts.orphaned == 0
    assert rig.status(sandbox_id) == "active"
    assert len(rig.engine.containers()) == 1


def test_lost_workers_holds_are_released_and_their_creations_given_up(rig: SweepRig) -> None:
    worker, lost = rig.open(), rig.open()
    held = lost.acquire("held")
    gate = rig.engine.hang("create")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(lost.acquire, "creating", timeout=0.1)
        gate.wait_entered()
        rig.silence(lost.worker_id, 60)
        report = worker.sweep()
        assert report.lost_workers == [lost.worker_id]
        assert rig.status(held) == "warm"
        assert rig.status(derive_sandbox_id(None, "creating")) == "gone"
        gate.open()
        creating.exception()
    assert [c for c in rig.engine.containers() if c.info.sandbox_id != held and c.info.generation == 1] == []


def test_overshoot_is_evicted_from_the_warm_ones(rig: SweepRig) -> None:
    worker = rig.open()
    ids = [worker.acquire(f"t{n}") for n in range(4)]
    for sandbox_id in ids[:3]:
        worker.release(sandbox_id)
    report = rig.open(replicas=2).sweep()
    assert report.counts.actions == 2
    assert [rig.status(sandbox_id) for sandbox_id in ids] == ["gone", "gone", "warm", "active"]


def _plant_old(
    rig: SweepRig, spec: SandboxSpec, *, ledger_id: str | None = None, prefix: str | None = None
) -> SandboxInfo:
    rig.clock_seconds = -600
    try:
        return rig.engine.plant(spec, ledger_id=ledger_id, prefix=prefix)
    finally:
        rig.clock_seconds = 0


def test_s61_orphans_are_removed_after_the_grace_and_strangers_never(rig: SweepRig) -> None:
    worker = rig.open()
    _plant_old(rig, SandboxSpec("a" * 16, 1))
    young = rig.engine.plant(SandboxSpec("b" * 16, 1))
    strange = _plant_old(rig, SandboxSpec("c" * 16, 1), ledger_id="another")
    prefixed = _plant_old(rig, SandboxSpec("d" * 16, 1), prefix="other")

    report = worker.sweep()

    left = {container.info.container_id for container in rig.engine.containers()}
    assert left == {young.container_id, strange.container_id, prefixed.container_id}
    assert report.counts.orphaned == 1
    assert rig.ledger_types() == ["OperatorActionRequested", "OrphanRemoved", "SweepCompleted"]
    assert worker.sweep().plan.is_empty


def test_the_intent_to_remove_an_orphan_is_recorded_once_however_often_it_fails(rig: SweepRig) -> None:
    worker = rig.open()
    _plant_old(rig, SandboxSpec("a" * 16, 1))
    rig.engine.fail_destroy(times=2)
    assert [worker.sweep().counts.orphaned for _ in range(3)] == [0, 0, 1]
    assert rig.ledger_types() == ["OperatorActionRequested", "OrphanRemoved", "SweepCompleted"]


def test_a_late_container_of_a_settled_generation_is_told_in_its_sandboxs_stream(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    worker.destroy(sandbox_id)
    _plant_old(rig, SandboxSpec(sandbox_id, 1))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: worker.sweep(), range(2)))
    assert rig.types(sandbox_id)[-2:] == ["SandboxDestroyed", "OrphanRemoved"]
    assert rig.engine.containers() == []


def test_of_two_containers_of_one_generation_the_recorded_one_stays(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    (recorded,) = rig.engine.containers()
    _plant_old(rig, SandboxSpec(sandbox_id, 1))
    worker.sweep()
    assert [c.info for c in rig.engine.containers()] == [recorded.info]
    assert rig.status(sandbox_id) == "active"


def test_adoption_takes_orphans_over_and_the_thread_finds_its_container(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = derive_sandbox_id("alice", "t")
    _plant_old(rig, SandboxSpec(sandbox_id, 7, "alice", "t"))
    assert worker.sweep(dry_run=True, adopt=True).counts.orphaned == 1
    assert rig.types(sandbox_id) == []
    report = worker.sweep(adopt=True)
    assert report.counts.orphaned == 1
    assert worker.acquire("t", user_id="alice") == sandbox_id
    found = worker.get(sandbox_id)
    assert found is not None
    assert found.generation == 7
    assert rig.types(sandbox_id) == ["OrphanAdopted", "SandboxAcquired"]


def test_a_dry_run_changes_nothing_and_leaves_no_row(rig: SweepRig) -> None:
    worker = rig.open()
    rig.engine.kill(worker.acquire("t"))
    before = rig.store.head_position()
    report = worker.sweep(dry_run=True)
    assert (report.dry_run, report.counts.dead, report.sweep_id) == (True, 1, None)
    assert rig.store.head_position() == before
    assert rig.sweeps.list_recent() == []


def test_a_back_off_that_is_over_is_cleared(rig: SweepRig) -> None:
    backoff = {"free": 1, "initial": 0.05, "max": 0.05, "window": 600, "reset_after": 600}
    worker = rig.open(restart_backoff=backoff)
    sandbox_id = derive_sandbox_id(None, "t")
    for _ in range(2):
        worker.acquire("t")
        rig.engine.kill(sandbox_id)
        assert worker.get(sandbox_id) is None
    assert "CrashLoopEntered" in rig.types(sandbox_id)

    def types_after_a_sweep() -> list[str]:
        worker.sweep()
        return rig.types(sandbox_id)

    wait_until(lambda: "CrashLoopCleared" in types_after_a_sweep(), what="the end of the back-off")
    assert rig.types(sandbox_id)[-1] == "CrashLoopCleared"
    assert worker.sweep().plan.is_empty


def test_a_back_off_that_began_since_the_plan_is_not_cleared(rig: SweepRig) -> None:
    backoff = {"free": 0, "window": 600, "reset_after": 600}
    worker = rig.open(restart_backoff={**backoff, "initial": 0.05, "max": 0.05})
    other = rig.open(restart_backoff={**backoff, "initial": 60, "max": 60})
    sandbox_id = derive_sandbox_id(None, "t")

    def crash(with_back_off_of: SandboxProvider) -> None:
        with_back_off_of.acquire("t")
        rig.engine.kill(sandbox_id)
        assert with_back_off_of.get(sandbox_id) is None

    crash(worker)
    retry_at = rig.store.load(sandbox_id).retry_at
    assert retry_at is not None
    wait_until(lambda: rig.store.now() > retry_at, what="the end of the first back-off")
    gate = rig.engine.hang("discover")
    with ThreadPoolExecutor(1) as pool:
        sweeping = pool.submit(worker.sweep)
        gate.wait_entered()
        crash(other)
        gate.open()
        assert "clear_backoff" in [step.kind for step in sweeping.result().plan.steps]
    assert rig.store.load(sandbox_id).retry_at is not None


def test_two_sweeps_at_once_record_every_death_once(rig: SweepRig) -> None:
    workers = [rig.open() for _ in range(3)]
    ids = [workers[0].acquire(f"t{n}") for n in range(20)]
    for sandbox_id in ids:
        rig.engine.kill(sandbox_id)
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda worker: worker.sweep(), workers))
    assert sum(report.counts.dead for report in reports) == 20
    for sandbox_id in ids:
        assert sorted(rig.types(sandbox_id)[-4:]) == sorted(RECORDED_AND_REMOVED)
    assert rig.engine.containers() == []


class StubbornEngine(FakeBackend):
    """Every removal takes its time, as with a container that ignores SIGTERM."""

    barrier = threading.Barrier(50, timeout=60)

    def destroy(self, info: SandboxInfo) -> None:
        self.barrier.wait()
        super().destroy(info)


def test_removals_go_side_by_side(sqlite_url: str) -> None:
    rig = SweepRig(sqlite_url)
    rig.engine = StubbornEngine(rig.store.ledger_id, probes=False)
    worker = rig.open(idle_timeout=600)
    for n in range(50):
        worker.acquire(f"t{n}")
    worker.sweep()
    rig.age(9999)
    assert worker.sweep().counts.idle == 50
    assert rig.engine.containers() == []
    rig.close()


def test_a_healthy_fleet_costs_the_same_few_statements_and_one_engine_call_however_large(rig: SweepRig) -> None:
    worker = rig.open()
    costs = []
    for more in (2, 40):
        for n in range(more):
            worker.acquire(f"{more}-{n}")
        worker.sweep()
        calls = rig.engine.calls.copy()
        with counted_statements(worker) as count:
            assert worker.sweep().plan.is_empty
            costs.append(count())
        assert rig.engine.calls - calls == {"discover": 1}
    assert costs[0] == costs[1] < 60


def test_containers_of_another_backend_are_left_to_its_workers(rig: SweepRig) -> None:
    owner = rig.open()
    sandbox_id = owner.acquire("t")
    other = FakeBackend(rig.store.ledger_id, probes=False)
    other.name = "other"
    mine, rig.engine = rig.engine, other
    stranger = rig.open()
    assert stranger.sweep().plan.is_empty
    stranger.destroy(sandbox_id)
    assert stranger.sweep().plan.is_empty
    assert rig.types(sandbox_id)[-1] == "SandboxEvicted"
    assert len(mine.containers()) == 1
    owner.sweep()
    assert mine.containers() == []
