"""Heartbeats and leases on each database; all times are the database's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event

from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.containers import SandboxInfo
from provider.domain.decisions import Creation, decide_create, decide_ready, decide_started
from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.domain.workers import JobRow
from provider.store.coordination.leases import SqlLeases
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.database import Database, open_database
from provider.store.log.event_store import SqlEventStore
from tests.support.waiting import wait_until

AUTHOR = Author("operator:test", "00000000-0000-0000-0000-000000000000")


@pytest.fixture
def store(database_url: str) -> Iterator[SqlEventStore]:
    opened = open_store(load_settings({"database": {"url": database_url}}))
    yield opened
    opened.close()


@pytest.fixture
def database(store: SqlEventStore) -> Iterator[Database]:
    opened = open_database(store.database.url)
    yield opened
    opened.close()


@pytest.fixture
def registry(store: SqlEventStore, database: Database) -> SqlWorkerRegistry:
    return SqlWorkerRegistry(database)


@pytest.fixture
def leases(store: SqlEventStore, database: Database) -> SqlLeases:
    return SqlLeases(database)


def hold(store: SqlEventStore, sandbox_id: str, *holders: str) -> None:
    creation = Creation(
        sandbox_id=sandbox_id, user_id=None, thread_id=sandbox_id, worker_id=holders[0], backend="b", image="i",
        container_prefix="p",
    )  # fmt: skip
    info = SandboxInfo(sandbox_id, 1, "c", "p-c", "h", "u")
    state = store.load(sandbox_id)
    steps: list[Callable[[SandboxState], list[Event]]] = [
        lambda s: decide_create(s, creation),
        lambda s: decide_started(s, info),
        lambda s: decide_ready(s, 1, 0.5, holders),
    ]
    for decide in steps:
        appended = store.append(sandbox_stream(sandbox_id), state.version, decide(state), AUTHOR)
        assert appended.state is not None
        state = appended.state


def test_a_worker_beats_until_it_has_ended(registry: SqlWorkerRegistry) -> None:
    assert registry.find("w") is None
    assert not registry.beat("w")
    registry.register("w", "here", 42)
    first = registry.find("w")
    assert first is not None
    assert (first.host, first.pid, first.ended_at, first.ended_as) == ("here", 42, None, None)
    assert registry.beat("w")
    later = registry.find("w")
    assert later is not None
    assert later.heartbeat_at > first.heartbeat_at
    assert later.started_at == first.started_at
    registry.end("w", "lost")
    registry.end("w", "stopped")  # the first word counts
    ended = registry.find("w")
    assert ended is not None
    assert (ended.ended_as, ended.heartbeat_at) == ("lost", later.heartbeat_at)
    assert not registry.beat("w")


def test_a_beat_tells_how_the_jobs_are(registry: SqlWorkerRegistry) -> None:
    for worker_id in ("w1", "w2", "ended"):
        registry.register(worker_id, "here", 1)
        assert registry.list_jobs()[-1].jobs == ()
    ran = JobRow(name="sweep", every_seconds=30.0, runs=2, seconds_ago=4.0, error='said "ü"\n')
    never = JobRow(name="forget", every_seconds=3600.0, runs=0, seconds_ago=None, error=None)
    registry.beat("w1", [ran, never])
    registry.beat("ended", [ran])
    registry.end("ended", "stopped")
    first, second = registry.list_jobs()
    assert (first.worker_id, second.worker_id, second.jobs) == ("w1", "w2", ())
    aged = first.jobs[0].seconds_ago
    assert aged is not None
    assert aged >= 4.0, "it grows older after the beat"
    assert first.jobs == (replace(ran, seconds_ago=aged), never)


def test_a_worker_declared_lost_may_register_again(registry: SqlWorkerRegistry) -> None:
    registry.register("w", "here", 42)
    registry.end("w", "lost")
    registry.register("w", "here", 42)
    assert registry.beat("w")
    assert [row.worker_id for row in registry.list_running()] == ["w"]


def test_silence_grows_by_the_databases_clock(registry: SqlWorkerRegistry) -> None:
    for worker_id in ("old", "ended", "new"):
        registry.register(worker_id, "here", 1)
    registry.end("ended", "stopped")

    def silence() -> list[float]:
        return [row.silent_seconds for row in registry.list_running()]

    assert [row.worker_id for row in registry.list_running()] == ["old", "new"]  # the most silent one first
    wait_until(lambda: min(silence()) > 0.05, what="silence")
    registry.beat("old")
    assert [row.worker_id for row in registry.list_running()] == ["new", "old"]


def test_ended_workers_that_still_hold_are_found(store: SqlEventStore, registry: SqlWorkerRegistry) -> None:
    for worker_id in ("runs", 'ended "ü"', "held nothing"):
        registry.register(worker_id, "here", 1)
    hold(store, "a" * 16, "runs", 'ended "ü"')
    assert registry.list_ended_holders() == []
    registry.end('ended "ü"', "stopped")
    registry.end("held nothing", "stopped")
    assert registry.list_ended_holders() == ['ended "ü"']


@pytest.mark.postgres
def test_a_client_stopped_inside_a_transaction_loses_it_before_others_give_up(postgres_url: str) -> None:
    store = open_store(load_settings({"database": {"url": postgres_url}}))
    with store.database.engine.connect() as connection:
        names = ("idle_in_transaction_session_timeout", "lock_timeout")
        question = "SELECT setting FROM pg_settings WHERE name = '{}'"
        idle, lock = (int(connection.exec_driver_sql(question.format(name)).one()[0]) for name in names)
    store.close()
    assert 0 < idle < lock


@pytest.mark.postgres
def test_a_heartbeat_is_one_statement(postgres_url: str) -> None:
    """A worker that is stopped within its heartbeat must not keep the lock on its row from whoever declares it lost."""
    store = open_store(load_settings({"database": {"url": postgres_url}}))
    registry = SqlWorkerRegistry(store.database)
    registry.register("w", "here", 1)
    statements: list[str] = []
    event.listen(
        store.database.engine, "before_cursor_execute", lambda _c, _k, statement, *_: statements.append(statement)
    )
    registry.beat("w")
    registry.end("w", "lost")
    store.close()
    assert [statement.split()[0] for statement in statements] == ["UPDATE", "UPDATE"]


def test_a_lease_has_one_holder_and_its_token_only_grows(leases: SqlLeases) -> None:
    first = leases.acquire("sweep", "a", 30)
    assert first is not None
    assert leases.acquire("sweep", "b", 30) is None
    assert leases.acquire("sweep", "a", 30) == first  # renewed, the same term
    assert leases.acquire("other", "b", 30) is not None  # another lease
    leases.release("sweep", "b")  # not the holder's word
    assert leases.holds("sweep", "a", first)
    leases.release("sweep", "a")
    leases.release("sweep", "a")
    assert not leases.holds("sweep", "a", first)
    second = leases.acquire("sweep", "b", 30)
    assert second is not None
    assert second > first


def test_a_lease_that_lapses_passes_on_with_a_new_token(leases: SqlLeases) -> None:
    first = leases.acquire("sweep", "a", 0.2)
    assert first is not None
    second = wait_until(lambda: leases.acquire("sweep", "b", 30) or 0, what="the end of the lease")
    assert second > first
    assert not leases.holds("sweep", "a", first)
    assert leases.acquire("sweep", "a", 30) is None


def test_a_holder_that_comes_back_late_has_a_new_token(leases: SqlLeases) -> None:
    first = leases.acquire("sweep", "a", 0.05)
    assert first is not None
    wait_until(lambda: not leases.holds("sweep", "a", first), what="the end of the lease")
    again = leases.acquire("sweep", "a", 30)
    assert again is not None
    assert again > first


def test_many_ask_at_once_and_one_gets_it(leases: SqlLeases) -> None:
    tokens: list[int | None] = []
    start = threading.Barrier(8)

    def ask(number: int) -> None:
        start.wait()
        tokens.append(leases.acquire("sweep", f"w{number}", 30))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens) == 8
    assert [token is not None for token in tokens].count(True) == 1
