"""Who sweeps, when, and what is left on record: the lead, the jobs and the rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from provider.bootstrap import open_administration
from provider.domain.errors import BackendUnavailable
from provider.domain.sweeps import SWEEP_LEASE
from provider.runtime.sweep.leader import Leader, LeadLost
from provider.runtime.sweep.scheduler import Scheduler
from tests.support.waiting import wait_until
from tests.unit.runtime.sweep_rig import SweepRig


@pytest.fixture
def rig(database_url: str) -> Iterator[SweepRig]:
    made = SweepRig(database_url)
    yield made
    made.close()


def test_one_leads_at_a_time_and_each_change_of_hands_raises_the_token(rig: SweepRig) -> None:
    first, second = Leader(rig.leases, "first", 60), Leader(rig.leases, "second", 60)
    term = first.stand()
    assert term is not None
    assert second.stand() is None
    again = first.stand()
    assert again is not None
    assert again.token == term.token
    first.resign()
    taken = second.stand()
    assert taken is not None
    assert taken.token > term.token
    assert first.stand() is None


def test_who_wakes_up_late_finds_that_the_lead_has_passed_on(rig: SweepRig) -> None:
    late, prompt = Leader(rig.leases, "late", 0.15), Leader(rig.leases, "prompt", 60)
    term = late.stand()
    assert term is not None
    taken = wait_until(prompt.stand, what="the lease to run out")
    assert taken is not None
    with pytest.raises(LeadLost):
        late.require(term.token)
    prompt.require(taken.token)
    with pytest.raises(LeadLost):
        prompt.require(term.token)


def test_a_run_that_the_last_leader_left_open_is_closed_by_the_next(rig: SweepRig) -> None:
    rig.sweeps.begin("left", "worker-1", 1)
    rig.sweeps.begin("next", "worker-2", 2)
    left = next(row for row in rig.sweeps.list_recent() if row.sweep_id == "left")
    assert left.finished_at is not None
    assert "interrupted" in str(left.error)


def test_a_job_that_fails_runs_again_and_its_error_is_told() -> None:
    scheduler, runs = Scheduler(), threading.Semaphore(0)

    def fail() -> None:
        runs.release()
        raise BackendUnavailable("the engine is tired")

    scheduler.add("sweep", 0.05, fail)
    scheduler.start()
    try:
        assert runs.acquire(timeout=10)
        assert runs.acquire(timeout=10)
        (job,) = scheduler.list_jobs()
        assert job.next_run_at is not None
        assert "tired" in str(wait_until(lambda: scheduler.list_jobs()[0].error, what="the error"))
    finally:
        scheduler.stop()
    scheduler.stop()


def test_a_job_that_is_still_running_is_not_started_beside_itself() -> None:
    scheduler, running, most, gate = Scheduler(), [0], [0], threading.Event()

    def run() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        gate.wait(0.3)
        running[0] -= 1

    scheduler.add("sweep", 0.02, run)
    scheduler.start()
    wait_until(lambda: scheduler.list_jobs()[0].runs >= 2, what="two runs")
    gate.set()
    scheduler.stop()
    assert most == [1]


def test_s62_the_schedule_sweeps_and_leaves_a_row_also_when_it_finds_nothing(rig: SweepRig) -> None:
    worker = rig.open(sweeper={"enabled": True, "interval": 0.1})
    worker.acquire("t")
    found = wait_until(
        lambda: [row for row in rig.sweeps.list_recent() if row.finished_at and row.counts.expected == 1],
        what="a sweep on record",
    )
    assert (found[0].counts.observed, found[0].counts.actions, found[0].error) == (1, 0, None)
    assert found[0].leader == worker.worker_id
    assert rig.ledger_types() == []
    assert {job.name for job in worker.list_jobs()} == {
        "heartbeat", "flush_activity", "lead", "sweep", "forget_sweeps", "seal",
    }  # fmt: skip
    with closing(open_administration(rig.settings())) as ledger:
        status = ledger.sweeper_status()
    assert status.lease is not None
    assert (status.lease.name, status.lease.holder) == (SWEEP_LEASE, worker.worker_id)


def test_s64_one_of_two_schedules_sweeps_and_hands_over_when_it_stops(rig: SweepRig) -> None:
    sweeping = {"enabled": True, "interval": 0.1}
    workers = {worker.worker_id: worker for worker in (rig.open(sweeper=sweeping), rig.open(sweeper=sweeping))}

    def leaders() -> set[str]:
        return {row.leader for row in rig.sweeps.list_recent()}

    wait_until(lambda: len(rig.sweeps.list_recent()) >= 3, what="some sweeps")
    (leader,) = leaders()
    workers.pop(leader).shutdown()
    (heir,) = workers
    wait_until(lambda: heir in leaders(), what="the other to sweep")
    tokens = {row.leader: row.token for row in rig.sweeps.list_recent()}
    assert (tokens[heir] or 0) > (tokens[leader] or 0)


def test_old_rows_are_forgotten(rig: SweepRig) -> None:
    worker = rig.open()
    worker.sweep()
    assert rig.sweeps.forget(days=1) == 0
    assert rig.sweeps.forget(days=0) == 1
    assert rig.sweeps.list_recent() == []
