"""S21 to S23, S25, S26, S30: several worker processes on one ledger, some of them paused or killed."""

from __future__ import annotations

import signal

from tests.support.many_workers.crew import Crew, id_of
from tests.support.many_workers.fixtures import on
from tests.support.waiting import wait_until

ROUNDS = 50
LEASE = 1.0
SHORT = {"lease": LEASE, "heartbeat": 0.1}


def test_s21_two_workers_acquire_the_same_thread_at_once(crew: Crew) -> None:
    first, second = crew.open_worker(), crew.open_worker()
    for number in range(ROUNDS):
        calls = [(worker, worker.send("acquire", f"t{number}")) for worker in (first, second)]
        assert [worker.answer(call) for worker, call in calls] == [id_of(f"t{number}")] * 2
    assert len(crew.containers.list_running()) == ROUNDS
    assert crew.ledger.count("events WHERE type = 'SandboxCreating'") == ROUNDS
    assert crew.ledger.count("events WHERE type = 'SandboxAcquired'") == 2 * ROUNDS


@on("process", "docker")
def test_s21_real_containers(crew: Crew) -> None:
    first, second = crew.open_worker(), crew.open_worker()
    calls = [(worker, worker.send("acquire", "t")) for worker in (first, second)]
    (sandbox_id,) = {worker.answer(call) for worker, call in calls}
    first.ask("execute", sandbox_id, "echo here > note")
    assert second.ask("execute", sandbox_id, "cat note").strip() == "here"
    assert len(crew.overseer().worker.engine.backend.list_running()) == 1


@on("process")
def test_s22_a_worker_that_comes_and_goes_leaves_the_others_alone(crew: Crew) -> None:
    serving = crew.open_worker()
    sandbox_id = serving.ask("acquire", "t")
    serving.ask("execute", sandbox_id, "echo mine > note")
    for idle_timeout in (0, 30):
        other = crew.open_worker(idle_timeout=idle_timeout, on_shutdown="destroy_if_last")
        other.ask("acquire", "another")
        other.ask("sweep")
        other.ask("shutdown")
    assert serving.ask("execute", sandbox_id, "cat note").strip() == "mine"
    assert crew.ledger.types(sandbox_id)[-1] == "SandboxAcquired"


def test_s23_holds_of_a_killed_worker_end_with_its_lease_and_not_before(crew: Crew) -> None:
    killed, other = crew.open_worker(**SHORT), crew.open_worker(**SHORT)
    sandbox_id, name = killed.ask("acquire", "t"), killed.worker_id
    killed.kill()
    assert crew.declare_lost() == []
    assert crew.ledger.status(sandbox_id) == "active"
    wait_until(lambda: crew.silence(name) > LEASE, what="the lease's end")
    assert crew.declare_lost(LEASE) == [name]
    assert crew.ledger.status(sandbox_id) == "warm"
    (released,) = crew.ledger.data(sandbox_id, "SandboxReleased")
    assert (released["worker_id"], released["cause"]) == (name, "lost_worker")
    assert other.ask("get", other.ask("acquire", "t")) == 1  # the same container
    assert crew.declare_lost(LEASE) == []
    assert crew.ledger.count("events WHERE type = 'WorkerLost'") == 1


def test_s23_what_a_lost_worker_held_is_reaped_when_idle(crew: Crew) -> None:
    killed = crew.open_worker(**SHORT)
    other = crew.open_worker(**SHORT, idle_timeout=3)
    sandbox_id = killed.ask("acquire", "t")
    killed.kill()

    def is_reaped() -> bool:
        other.ask("sweep")
        return crew.ledger.status(sandbox_id) == "gone"

    wait_until(is_reaped, what="the idle sandbox to be reaped", interval_seconds=0.1)
    (evicted,) = crew.ledger.data(sandbox_id, "SandboxEvicted")
    assert evicted["reason"] == "idle"
    types = crew.ledger.types(sandbox_id)
    assert types.index("SandboxReleased") < types.index("SandboxEvicted")
    assert crew.containers.list_running() == []


def test_s23_a_worker_declared_lost_too_early_comes_back_with_its_holds(crew: Crew) -> None:
    paused = crew.open_worker(**SHORT)
    sandbox_id, name = paused.ask("acquire", "t"), paused.worker_id
    paused.signal(signal.SIGSTOP)
    wait_until(lambda: crew.silence(name) > LEASE, what="the lease's end")
    assert crew.declare_lost(LEASE) == [name]
    assert crew.ledger.status(sandbox_id) == "warm"
    paused.signal(signal.SIGCONT)
    wait_until(lambda: crew.ledger.status(sandbox_id) == "active", what="the worker's return")
    assert crew.ledger.count("events WHERE stream = :s AND type = 'WorkerStarted'", s=f"worker:{name}") == 2
    assert paused.ask("get", sandbox_id) == 1


def test_s25_a_creation_taken_over_is_refused_when_its_worker_wakes(crew: Crew) -> None:
    paused, other = crew.open_worker(**SHORT), crew.open_worker(**SHORT)
    paused.ask("pause_at", "engine.create.after")
    late = paused.send("acquire", "t")
    paused.wait_stopped()
    sandbox_id = other.ask("acquire", "t")
    assert other.ask("get", sandbox_id) == 2
    paused.signal(signal.SIGCONT)
    assert paused.answer(late) == sandbox_id
    assert paused.ask("get", sandbox_id) == 2
    assert [info.generation for info in crew.containers.list_running()] == [2]
    assert [started["generation"] for started in crew.ledger.data(sandbox_id, "SandboxStarted")] == [2]


def test_s26_only_the_last_holders_release_makes_it_warm(crew: Crew) -> None:
    first, second = crew.open_worker(), crew.open_worker()
    sandbox_id = first.ask("acquire", "t")
    second.ask("acquire", "t")
    first.ask("release", sandbox_id)
    assert (crew.ledger.status(sandbox_id), second.ask("get", sandbox_id)) == ("active", 1)
    second.ask("release", sandbox_id)
    assert crew.ledger.status(sandbox_id) == "warm"


def test_s30_ten_processes_start_on_an_empty_database(crew: Crew) -> None:
    workers = [crew.start_worker() for _ in range(10)]
    assert len({worker.worker_id for worker in workers}) == 10
    assert crew.ledger.count("ledger_head") == 1
    assert crew.ledger.count("alembic_version") == 1
    assert crew.ledger.count("events WHERE type = 'WorkerStarted'") == 10
