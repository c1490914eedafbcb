"""S40 to S42: one limit for all workers together."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from provider import CapacityExceeded, open_provider
from provider.testing import FakeBackend
from tests.support.many_workers.crew import Crew, RemoteError, RemoteWorker, id_of
from tests.support.waiting import wait_until


def acquire_all(worker: RemoteWorker, *threads: str) -> list[str]:
    return [worker.ask("acquire", thread) for thread in threads]


def wait_for_waiters(crew: Crew, number: int) -> None:
    wait_until(lambda: crew.ledger.count("waiters") == number, what="the waiters in the queue")


def end_reasons(crew: Crew) -> dict[str, str]:
    rows = crew.ledger.rows("SELECT sandbox_id, end_reason FROM generations WHERE ended_at IS NOT NULL")
    return {row["sandbox_id"]: row["end_reason"] for row in rows}


def test_s40_the_least_recently_used_warm_sandbox_makes_room(crew: Crew) -> None:
    first, second = crew.open_worker(replicas=3), crew.open_worker(replicas=3)
    a, b = acquire_all(first, "a", "b")
    acquire_all(second, "c")
    first.ask("release", b)
    first.ask("release", a)
    assert second.ask("acquire", "d") == id_of("d")
    assert end_reasons(crew) == {b: "capacity"}
    assert crew.ledger.rows("SELECT live FROM ledger_head") == [{"live": 3}]
    running = crew.overseer().worker.engine.backend.list_running
    wait_until(lambda: {i.sandbox_id for i in running()} == {a, id_of("c"), id_of("d")}, what="the removal of b")


def test_s40_many_workers_never_exceed_the_limit(crew: Crew) -> None:
    workers = [crew.open_worker(replicas=3, overflow="reject") for _ in range(4)]
    calls = [(worker, worker.send("acquire", f"{i}-{n}")) for i, worker in enumerate(workers) for n in range(4)]
    outcomes = []
    for worker, call in calls:
        try:
            outcomes.append(worker.answer(call))
        except RemoteError as error:
            outcomes.append(error.name)
    assert outcomes.count("CapacityExceeded") == 13
    assert len(crew.containers.list_running()) == 3


def test_s41_waiting_is_fair_and_served_when_a_place_is_free(crew: Crew) -> None:
    holder, *waiting = (crew.open_worker(replicas=1) for _ in range(3))
    held = holder.ask("acquire", "held")
    calls = []
    for number, worker in enumerate(waiting):
        calls.append(worker.send("acquire", f"w{number}"))
        wait_for_waiters(crew, number + 1)
    holder.ask("release", held)
    assert waiting[0].answer(calls[0]) == id_of("w0")
    assert not waiting[1].is_done(calls[1])
    waiting[0].ask("release", id_of("w0"))
    assert waiting[1].answer(calls[1]) == id_of("w1")
    wait_until(lambda: crew.ledger.count("waiters") == 0, what="an empty queue")


def test_s41_a_dead_waiter_blocks_nobody(crew: Crew) -> None:
    holder, killed, other = (crew.open_worker(replicas=1) for _ in range(3))
    held = holder.ask("acquire", "held")
    killed.send("acquire", "never")
    wait_until(lambda: crew.ledger.count("waiters") == 1, what="the waiter in the queue")
    killed.kill()
    call = other.send("acquire", "t")
    holder.ask("release", held)
    assert other.answer(call) == id_of("t")


def test_s41_waiting_ends_at_the_timeout(crew: Crew) -> None:
    holder, other = crew.open_worker(replicas=1), crew.open_worker(replicas=1)
    holder.ask("acquire", "held")
    began = time.monotonic()
    with pytest.raises(RemoteError, match=r"CapacityExceeded: .*no free place") as refused:
        other.ask("acquire", "t", None, 0.5)
    assert refused.value.name == "CapacityExceeded"
    assert time.monotonic() - began >= 0.5
    assert crew.ledger.count("waiters") == 0
    assert crew.ledger.types(id_of("t")) == []


def test_s41_reject_refuses_at_once_and_burst_goes_over_the_limit(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    backend = FakeBackend()
    base = {"database": {"url": database_url}}
    with (
        open_provider({**base, "sandbox": {"replicas": 1, "overflow": "reject"}}, backend=backend) as strict,
        open_provider({**base, "sandbox": {"replicas": 1, "overflow": "burst"}}, backend=backend) as loose,
    ):
        strict.acquire("held")
        with pytest.raises(CapacityExceeded, match=r"sandbox\.replicas"):
            strict.acquire("t", timeout=600)  # longer than a test may take
        with caplog.at_level(logging.WARNING):
            loose.acquire("t")
        assert "over capacity" in caplog.text
        assert len(backend.containers()) == 2


def test_s41_a_users_limit_makes_room_among_that_users_own(database_url: str) -> None:
    settings = {
        "database": {"url": database_url},
        "sandbox": {"replicas": 2, "max_per_user": 1, "overflow": "reject"},
    }
    with open_provider(settings, backend=FakeBackend()) as sandboxes:
        anns = sandboxes.acquire("a", user_id="ann")
        bobs = sandboxes.acquire("b", user_id="bob")
        with pytest.raises(CapacityExceeded, match="max_per_user"):
            sandboxes.acquire("a2", user_id="ann")
        sandboxes.release(bobs)
        with pytest.raises(CapacityExceeded, match="max_per_user"):
            sandboxes.acquire("a2", user_id="ann")
        assert sandboxes.get(bobs) is not None  # both limits were reached, and nothing of Bob's was taken
        sandboxes.release(anns)
        sandboxes.acquire("a2", user_id="ann")
        assert (sandboxes.get(anns), sandboxes.get(bobs) is not None) == (None, True)


def test_s41_who_waits_for_its_own_limit_stands_in_nobodys_way(database_url: str) -> None:
    settings = {"database": {"url": database_url}, "sandbox": {"replicas": 2, "max_per_user": 1}}
    with open_provider(settings, backend=FakeBackend()) as sandboxes:
        anns = sandboxes.acquire("a", user_id="ann")
        waiting = threading.Thread(target=sandboxes.acquire, args=("a2",), kwargs={"user_id": "ann", "timeout": 600})
        waiting.start()
        try:
            for _ in range(30):  # long enough for Ann's call to have met her limit
                sandboxes.destroy(sandboxes.acquire("b", user_id="bob", timeout=30))
        finally:
            sandboxes.release(anns)
            waiting.join()
        assert sandboxes.get(anns) is None  # Ann's own made room for her


def test_s42_nobody_waits_for_the_removal_of_what_was_evicted(database_url: str) -> None:
    backend = FakeBackend()
    settings = {"database": {"url": database_url}, "sandbox": {"replicas": 2}}
    with open_provider(settings, backend=backend) as sandboxes:
        stopping = backend.hang("destroy")
        try:
            sandboxes.release(sandboxes.acquire("a"))
            first = sandboxes.acquire("b")
            causing = sandboxes.acquire("c")
            stopping.wait_entered()
            other = sandboxes.acquire("b")
            assert {c.info.sandbox_id for c in backend.containers()} == {id_of("a"), id_of("b"), id_of("c")}
            assert (first, causing, other) == (id_of("b"), id_of("c"), id_of("b"))
        finally:
            stopping.open()
    assert {c.info.sandbox_id for c in backend.containers()} == {id_of("b"), id_of("c")}
