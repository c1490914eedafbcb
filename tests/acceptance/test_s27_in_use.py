"""S27 to S29: long commands, eviction against acquisition, forks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.support.many_workers.crew import Crew, RemoteError, id_of
from tests.support.many_workers.fixtures import on
from tests.support.waiting import wait_until

RACES = 200


@on("process")
def test_s27_a_running_command_counts_as_use_until_its_end(crew: Crew) -> None:
    worker, sweeping = crew.open_worker(), crew.open_worker(idle_timeout=0.1)
    sandbox_id = worker.ask("acquire", "t")
    running = worker.send("execute", sandbox_id, "touch started; until [ -e go ]; do sleep 0.05; done; echo done")
    looking = "until [ -e started ]; do sleep 0.05; done"
    worker.ask("execute", sandbox_id, looking)  # the last call besides the long one
    calls_ended = datetime.now(UTC)

    def used_later() -> bool:
        (row,) = crew.ledger.rows("SELECT last_activity_at AS at FROM sandboxes WHERE sandbox_id = :id", id=sandbox_id)
        moment = datetime.fromisoformat(row["at"]) if isinstance(row["at"], str) else row["at"]
        # More than the 2 s between two batches behind the last other call: only the running command can have moved it.
        return moment is not None and (moment - calls_ended).total_seconds() > 2.0

    wait_until(used_later, what="activity by a running command")
    assert not worker.is_done(running)
    sweeping.ask("sweep")  # within the time by which the activity of another process may lag
    worker.ask("execute", sandbox_id, "touch go")
    assert worker.answer(running).strip() == "done"


@on("process")
def test_s27_a_call_of_another_process_keeps_a_warm_sandbox_from_eviction(crew: Crew) -> None:
    """A sandbox that nobody holds is used by a process that only looked it up: it is no room for others."""
    first, user = crew.open_worker(replicas=1), crew.open_worker(replicas=1)
    sandbox_id = first.ask("acquire", "t")
    first.ask("release", sandbox_id)
    running = user.send("execute", sandbox_id, "touch started; until [ -e go ]; do sleep 0.05; done; echo done")
    wait_until(lambda: crew.ledger.status(sandbox_id) == "active", what="the call to hold the sandbox")
    with pytest.raises(RemoteError, match="CapacityExceeded"):
        first.ask("acquire", "other", None, 0.5)
    first.ask("release", sandbox_id)  # what it does not hold it cannot take from the other
    assert first.ask("execute", sandbox_id, "until [ -e started ]; do sleep 0.05; done; touch go") == ""
    assert user.answer(running).strip() == "done"
    assert first.ask("acquire", "other") == id_of("other")  # both have given it back, and it makes room
    assert crew.ledger.status(sandbox_id) in ("evicting", "gone")
    holders = [event["worker_id"] for event in crew.ledger.data(sandbox_id, "SandboxAcquired")]
    assert holders == [first.worker_id, user.worker_id, first.worker_id]


@on("process")
def test_s27_a_release_in_the_middle_of_a_call_takes_effect_at_its_end(crew: Crew) -> None:
    worker, other = crew.open_worker(replicas=1), crew.open_worker(replicas=1)
    sandbox_id = worker.ask("acquire", "t")
    running = worker.send("execute", sandbox_id, "touch started; until [ -e go ]; do sleep 0.05; done; echo done")
    worker.ask("execute", sandbox_id, "until [ -e started ]; do sleep 0.05; done")
    worker.ask("release", sandbox_id)
    with pytest.raises(RemoteError, match="CapacityExceeded"):
        other.ask("acquire", "other", None, 0.5)
    worker.ask("execute", sandbox_id, "touch go")
    assert worker.answer(running).strip() == "done"
    assert other.ask("acquire", "other") == id_of("other")


def test_s28_eviction_for_capacity_against_acquisition(crew: Crew) -> None:
    workers = [crew.open_worker(replicas=1) for _ in range(2)]
    calls = [(worker, worker.send("take_turns", f"t{i}", RACES // 2)) for i, worker in enumerate(workers)]
    assert [worker.answer(call) for worker, call in calls] == [[], []]
    evicted = crew.ledger.count("generations WHERE end_reason = 'capacity'")
    assert evicted > 0
    wait_until(lambda: len(crew.containers.list_running()) == 1, what="the removal of what was evicted")


def test_s29_a_forked_child_is_a_worker_of_its_own(crew: Crew) -> None:
    parent = crew.open_worker()
    held = parent.ask("acquire", "of the parent")
    child = parent.ask("fork", "of the child")
    assert child["worker_id"] != parent.worker_id
    assert (child["sandbox_id"], child["generation"]) == (id_of("of the child"), 1)
    assert crew.ledger.status(child["sandbox_id"]) == "warm"  # released by the child's shutdown
    assert crew.ledger.status(held) == "active"
    stopped = crew.ledger.count("events WHERE stream = :s AND type = 'WorkerStopped'", s=f"worker:{child['worker_id']}")
    assert stopped == 1
    assert parent.ask("worker_id") == parent.worker_id
    assert parent.ask("acquire", "later") == id_of("later")
    assert parent.ask("feed_error") is None


@on("docker")
def test_s29_a_forked_child_reaches_the_engine(crew: Crew) -> None:
    parent = crew.open_worker()
    held = parent.ask("acquire", "of the parent")
    child = parent.ask("fork", "of the child")
    assert child["generation"] == 1
    assert parent.ask("execute", held, "echo still here").strip() == "still here"
    assert parent.ask("get", held) == 1
