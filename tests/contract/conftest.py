"""The ledger that a store's tests use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from provider.domain import events as ev
from provider.reading.reports import Reports
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.log.event_store import SqlEventStore
from tests.contract.reports_support import reading
from tests.contract.store_support import AUTHOR, OTHER, append, born, creating, died, opened
from tests.support.ledgers import copy_postgres, copy_sqlite
from tests.support.postgres import PostgresAddress


@pytest.fixture
def store(database_url: str) -> Iterator[SqlEventStore]:
    """Open an empty ledger that reads seven events at once, so that few events make many pages."""
    with opened(database_url, page=7) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlEventStore]:
    """Open a ledger that all tests of a module read, and none but the module's fixtures writes."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = copy_sqlite(request.getfixturevalue("sqlite_template"), tmp_path_factory.mktemp("kept") / "ledger.db")
        else:
            server: PostgresAddress = request.getfixturevalue("postgres_server")
            url = copy_postgres(server, request.getfixturevalue("postgres_template"))
            stack.callback(server.drop_database, url)
        yield stack.enter_context(opened(url, page=7))


@pytest.fixture
def reports(store: SqlEventStore) -> Iterator[Reports]:
    """Open the read side of the same ledger."""
    with reading(store) as opened_reports:
        yield opened_reports


@pytest.fixture
def storied(store: SqlEventStore) -> SqlEventStore:
    """Fill a ledger with 22 events: two workers, a crash and a restart, another sandbox that still lives."""
    registry = SqlWorkerRegistry(store.database)
    registry.register("w1", "h", 1)
    registry.register("w2", "h", 2)
    store.append("worker:w1", 0, [ev.WorkerStarted(worker_id="w1", host="h", pid=1)], AUTHOR)
    append(store, *born())
    append(store, *died(store))
    store.append("worker:w2", 0, [ev.WorkerStarted(worker_id="w2", host="h", pid=2)], AUTHOR)
    append(store, *born(2))
    of_another_thread = replace(creating(1, OTHER), thread_id="another")
    append(store, of_another_thread, *born(1, OTHER)[1:], sandbox_id=OTHER)
    append(store, ev.SandboxReleased(generation=1, worker_id="w1", cause="request"), sandbox_id=OTHER)
    store.append("worker:w2", 1, [ev.WorkerStopped(worker_id="w2")], AUTHOR)
    registry.end("w2", "stopped")
    append(store, ev.SandboxDestroyFailed(generation=2, error="no"))
    append(store, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    return store
