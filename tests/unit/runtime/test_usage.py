"""Usage: who calls a sandbox holds it, as long as the calls follow each other and no longer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from provider.bootstrap.stores import open_store
from provider.bootstrap.workers import assemble_worker
from provider.config.loading import load_settings
from provider.domain.errors import StoreUnavailable
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.runtime.worker.process import WorkerProcess
from provider.testing import FakeBackend


@pytest.fixture
def processes(sqlite_url: str) -> Iterator[list[WorkerProcess]]:
    """Give two workers that are not started: nothing but the test gives a hold back."""
    settings, backend = load_settings({"database": {"url": sqlite_url}}), FakeBackend()
    made = [assemble_worker(settings, open_store(settings), GuardedEngine(backend)) for _ in range(2)]
    yield made
    for process in made:
        process.stop()


def acquire(process: WorkerProcess) -> str:
    return process.acquire("thread-1", None, None)


def holders(process: WorkerProcess, sandbox_id: str) -> list[str]:
    return list(process.worker.store.load(sandbox_id).holders)


def version(process: WorkerProcess, sandbox_id: str) -> int:
    return process.worker.store.load(sandbox_id).version


def test_a_call_without_an_acquire_borrows_and_gives_back_when_no_other_follows(processes: list[WorkerProcess]) -> None:
    owner, caller = processes
    sandbox_id = acquire(owner)
    owner.release(sandbox_id)
    for _ in range(3):
        with caller.usage.call(sandbox_id, 1):
            assert holders(owner, sandbox_id) == [caller.worker.worker_id]
            caller.usage.give_back()
            assert holders(owner, sandbox_id) == [caller.worker.worker_id], "in the middle of a call"
    before = version(owner, sandbox_id)
    caller.usage.give_back()
    assert version(owner, sandbox_id) == before, "called since the last time"
    caller.usage.give_back()
    assert holders(owner, sandbox_id) == []
    assert version(owner, sandbox_id) == before + 1, "one pair of events for all three calls"


def test_a_call_of_a_holder_records_nothing_and_gives_nothing_back(processes: list[WorkerProcess]) -> None:
    owner, _ = processes
    sandbox_id = acquire(owner)
    before = version(owner, sandbox_id)
    with owner.usage.call(sandbox_id, 1):
        pass
    owner.usage.give_back()
    owner.usage.give_back()
    assert version(owner, sandbox_id) == before
    assert holders(owner, sandbox_id) == [owner.worker.worker_id]


def test_a_borrowed_sandbox_that_is_acquired_stays_held(processes: list[WorkerProcess]) -> None:
    owner, caller = processes
    sandbox_id = acquire(owner)
    with caller.usage.call(sandbox_id, 1):
        acquire(caller)
    caller.usage.give_back(at_once=True)
    assert holders(owner, sandbox_id) == sorted([owner.worker.worker_id, caller.worker.worker_id])


def test_a_release_in_a_call_takes_effect_after_it(processes: list[WorkerProcess]) -> None:
    owner, _ = processes
    sandbox_id = acquire(owner)
    with owner.usage.call(sandbox_id, 1):
        owner.release(sandbox_id)
        assert holders(owner, sandbox_id) == [owner.worker.worker_id]
    owner.usage.give_back(at_once=True)
    assert holders(owner, sandbox_id) == []


def test_a_generation_that_is_over_is_not_held(processes: list[WorkerProcess]) -> None:
    owner, caller = processes
    sandbox_id = acquire(owner)
    owner.restart(sandbox_id, owner.worker.author())
    with caller.usage.call(sandbox_id, 1):
        assert holders(owner, sandbox_id) == [owner.worker.worker_id]


def test_the_hold_of_a_generation_is_none_of_the_next(processes: list[WorkerProcess]) -> None:
    owner, caller = processes
    sandbox_id = acquire(owner)
    with caller.usage.call(sandbox_id, 1):
        pass
    owner.destroy(sandbox_id, "request", owner.worker.author())
    assert acquire(owner) == sandbox_id
    assert holders(owner, sandbox_id) == [owner.worker.worker_id]
    with caller.usage.call(sandbox_id, 2):
        assert holders(owner, sandbox_id) == sorted([owner.worker.worker_id, caller.worker.worker_id])


def test_without_the_ledger_a_call_goes_on(
    processes: list[WorkerProcess], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner, caller = processes
    sandbox_id = acquire(owner)

    def load(_: str) -> None:
        raise StoreUnavailable("the ledger is away")

    monkeypatch.setattr(caller.worker.store, "load", load)
    with caplog.at_level(logging.WARNING), caller.usage.call(sandbox_id, 1):
        assert "used without a hold: the ledger is away" in caplog.text
