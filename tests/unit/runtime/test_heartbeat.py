"""The heartbeat: how a worker that was declared lost comes back, also when that fails half-way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provider.bootstrap.stores import open_store
from provider.bootstrap.workers import assemble_worker
from provider.config.loading import load_settings
from provider.domain.errors import StoreUnavailable
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.runtime.worker.heartbeat import Heartbeat
from provider.runtime.worker.worker import Worker
from provider.testing import FakeBackend
from tests.support.waiting import wait_until

INTERVAL = 0.02


@pytest.fixture
def worker(sqlite_url: str) -> Iterator[Worker]:
    settings = load_settings({"database": {"url": sqlite_url}})
    process = assemble_worker(settings, open_store(settings), GuardedEngine(FakeBackend()))
    yield process.worker
    process.stop()


def types(worker: Worker) -> list[str]:
    return [recorded.event.type for recorded in worker.store.read_stream(f"worker:{worker.worker_id}")]


def test_a_return_that_failed_half_way_is_completed(worker: Worker) -> None:
    returns: list[bool] = []

    def on_return() -> None:
        returns.append(len(returns) > 0)
        if len(returns) == 1:
            raise StoreUnavailable("the ledger went away again")

    heartbeat = Heartbeat(worker, INTERVAL, on_return)
    heartbeat.start()
    worker.registry.end(worker.worker_id, "lost")
    wait_until(lambda: len(returns) == 2, what="the second try")
    heartbeat.stop()
    assert returns == [False, True]
    assert types(worker) == ["WorkerStarted"]
    assert [row.worker_id for row in worker.registry.list_running()] == [worker.worker_id]


def test_leaving_is_recorded_once_and_ends_the_row(worker: Worker) -> None:
    heartbeat = Heartbeat(worker, INTERVAL, lambda: None)
    heartbeat.start()
    heartbeat.stop()
    heartbeat.leave()
    heartbeat.leave()
    assert types(worker) == ["WorkerStarted", "WorkerStopped"]
    row = worker.registry.find(worker.worker_id)
    assert row is not None
    assert row.ended_as == "stopped"
