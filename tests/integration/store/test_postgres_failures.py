"""S82 at the store: a server that stops is a clear error, and the same store works when it is back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Self

import psycopg
import pytest

from provider.domain import events as ev
from provider.domain.errors import StoreUnavailable, VersionConflict
from provider.store import engine as engines
from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import ensure_schema
from provider.store.projections.rebuild import find_differences, rebuild
from tests.contract.store_support import SANDBOX, append, assert_chained, born, opened, state_of
from tests.support.postgres import PostgresServer
from tests.support.waiting import wait_until

NOTE = ev.CrashLoopCleared(generation=1, cleared_by="w1")
HOLD = ev.SandboxAcquired(generation=1, worker_id="w2", how="shared")


class Writers:
    """Threads that append without pause, each to a sandbox of its own, and count what they were told."""

    def __init__(self, store: SqlEventStore, count: int) -> None:
        self.confirmed = [0] * count
        self.refused = 0
        self._store = store
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(count)]

    def _write(self, number: int) -> None:
        sandbox_id = f"{number:016x}"
        while not self._stop.is_set():
            try:
                append(self._store, NOTE, sandbox_id=sandbox_id)
                self.confirmed[number] += 1
            except StoreUnavailable:
                self.refused += 1
                self._stop.wait(0.01)
            except VersionConflict:
                continue

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        before = list(self.confirmed)
        wait_until(
            lambda: all(now > then for now, then in zip(self.confirmed, before, strict=True)),
            what="every writer's next append", timeout_seconds=60,
        )  # fmt: skip


@pytest.mark.slow
def test_s82_a_server_that_restarts_under_load_loses_and_doubles_nothing(own_postgres_server: PostgresServer) -> None:
    with opened(own_postgres_server.create_database()) as store:
        with Writers(store, 4) as writers:
            writers.wait_for_more()
            own_postgres_server.restart()
            writers.wait_for_more()
            own_postgres_server.kill()
            wait_until(lambda: writers.refused > 0, what="an append to a dead server")
            own_postgres_server.launch()
            writers.wait_for_more()
        events = list(store.read_all())
        assert_chained(events)
        # A commit whose answer was lost with the connection is in the log without having been confirmed.
        unconfirmed = len(events) - sum(writers.confirmed)
        assert 0 <= unconfirmed <= 2 * 4
        assert find_differences(store.database) == []


@pytest.fixture
def store(postgres_url: str) -> Iterator[SqlEventStore]:
    with opened(postgres_url) as made:
        append(made, *born())
        yield made


def is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except StoreUnavailable:
        return True
    return False


def end_connections(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )


def test_a_lost_connection_costs_at_most_one_call(store: SqlEventStore, postgres_url: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.load(SANDBOX), lambda: append(store, NOTE), lambda: list(store.read_all()),
        lambda: store.touch({SANDBOX: 1.5}), store.now, store.head_position, lambda: find_differences(store.database),
    ]  # fmt: skip
    refused = 0
    for call in calls:
        end_connections(postgres_url)
        # Which of the pool's connections comes first is the pool's business.
        now = sum(is_refused(call) for _ in range(3))
        assert now <= 1
        refused += now
    assert refused > 0
    assert_chained(list(store.read_all()))


def test_all_connections_that_were_lost_are_replaced_at_once(store: SqlEventStore, postgres_url: str) -> None:
    meet = threading.Barrier(4)

    def load_together() -> None:
        meet.wait(10)
        store.load(SANDBOX)

    threads = [threading.Thread(target=load_together) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end_connections(postgres_url)
    with pytest.raises(StoreUnavailable):
        store.load(SANDBOX)
    for _ in range(6):
        assert store.load(SANDBOX).version == 4


def test_a_lock_that_is_held_too_long_is_an_error(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOCK_TIMEOUT_MS", 100)
    with opened(postgres_url) as store:
        state = state_of(append(store, *born()))
        with psycopg.connect(postgres_url.replace("+psycopg", "", 1)) as rival:
            rival.execute("SELECT * FROM ledger_head FOR UPDATE")
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                append(store, HOLD)
            rival.rollback()
        assert store.load(SANDBOX) == state
        append(store, HOLD)
        assert_chained(list(store.read_all()))


def test_too_few_connections_are_an_error(store: SqlEventStore, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        name = postgres_url.rpartition("/")[2]
        connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'secret' CONNECTION LIMIT 0")
        try:
            url = postgres_url.replace(postgres_url.split("://")[1].split("@", maxsplit=1)[0], f"{name}:secret")
            with pytest.raises(StoreUnavailable, match="too many connections") as refusal:
                ensure_schema(open_database(url))
            assert "secret" not in str(refusal.value)
        finally:
            connection.execute(f'DROP ROLE "{name}"')


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:5432"])
def test_a_server_that_is_not_there_is_an_error_without_the_password(address: str) -> None:
    url = f"postgresql+psycopg://alice:secret@{address}/ledger"
    with pytest.raises(StoreUnavailable, match="database postgresql") as refusal:
        ensure_schema(open_database(url))
    assert "secret" not in str(refusal.value)


def test_two_appends_and_a_rebuild_do_not_wait_for_each_other(store: SqlEventStore) -> None:
    """A rebuild locks whole tables before any row, so that neither side ever holds what the other one needs."""
    with Writers(store, 3) as writers:
        for _ in range(5):
            writers.wait_for_more()
            rebuild(store.database)
            store.touch({f"{n:016x}": 1.5 for n in range(3)})
    assert writers.refused == 0
    assert find_differences(store.database) == []
