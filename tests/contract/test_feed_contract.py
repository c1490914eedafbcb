"""The change feed on each database: exactly once, in order, soon, and back after every loss of the connection."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.errors import CorruptLogError
from provider.domain.events import WorkerStarted
from provider.domain.ids import worker_stream
from provider.domain.log import Author, RecordedEvent
from provider.store.log import feed
from provider.store.log.event_store import SqlEventStore
from provider.store.log.feed import SqlFeed
from tests.contract.store_support import opened, tamper

AUTHOR = Author("operator:test", "00000000-0000-0000-0000-000000000000")
FAR = 600.0
"""Longer than any test waits: what comes without PostgreSQL's safety look was woken by the notification."""


class Following:
    """A feed in a thread of its own, and what it has delivered."""

    def __init__(self, store: SqlEventStore, after: int = 0) -> None:
        self.feed = SqlFeed(store.database)
        self.seen: queue.Queue[RecordedEvent] = queue.Queue()
        self._gaps: queue.Queue[str | None] = queue.Queue()
        self._after = after
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for batch in self.feed.follow(self._after):
            if not batch:
                self._gaps.put(self.feed.error)
            for recorded in batch:
                self.seen.put(recorded)

    def next_position(self, timeout: float = 60.0) -> int:
        """Wait for the next event."""
        return self.seen.get(timeout=timeout).position

    def wait_for_gap(self) -> None:
        """Wait until the feed has lost its connection and has it again."""
        assert self._gaps.get(timeout=60.0), "it tells what is wrong"
        assert self._gaps.get(timeout=60.0) is None, "it tells that all is well again"

    def stop(self) -> None:
        """Stop; returns when the thread has ended."""
        self.feed.stop()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlEventStore]:
    opened = open_store(load_settings({"database": {"url": database_url}}))
    yield opened
    opened.close()


@pytest.fixture
def following(store: SqlEventStore) -> Iterator[Following]:
    made = Following(store)
    yield made
    made.stop()


def write(store: SqlEventStore, worker_id: str, version: int = 0) -> int:
    event = WorkerStarted(worker_id=worker_id, host="here", pid=1)
    return store.append(worker_stream(worker_id), version, [event], AUTHOR).events[-1].position


def test_it_begins_with_what_is_there_and_goes_on_with_what_comes(
    store: SqlEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "POSTGRES_LOOK_SECONDS", FAR)
    for number in range(3):
        write(store, f"w{number}")
    following = Following(store, after=1)
    try:
        assert [following.next_position(), following.next_position()] == [2, 3]
        write(store, "w3")
        assert following.next_position() == 4
        assert following.feed.error is None
    finally:
        following.stop()


def test_eight_writers_and_one_follower(store: SqlEventStore, following: Following) -> None:
    def writer(number: int) -> None:
        for version in range(25):
            write(store, f"w{number}", version)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    assert [following.next_position() for _ in range(200)] == list(range(1, 201))
    for thread in threads:
        thread.join()
    assert following.seen.empty()


def test_stop_ends_a_waiting_feed_at_once(store: SqlEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "POSTGRES_LOOK_SECONDS", FAR)
    following = Following(store)
    write(store, "w")
    following.next_position()
    following.stop()
    following.feed.stop()


def test_two_feeds_see_the_same(store: SqlEventStore, following: Following) -> None:
    other = Following(store)
    try:
        write(store, "w")
        assert (following.next_position(), other.next_position()) == (1, 1)
    finally:
        other.stop()


def test_an_altered_event_ends_the_feed_with_its_position(store: SqlEventStore, database_url: str) -> None:
    write(store, "w0")
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE ledger_head SET hash = 'altered'")
    with pytest.raises(CorruptLogError, match="event 1"):
        list(SqlFeed(store.database).follow(0))


def test_who_keeps_the_error_keeps_no_connection_from_writing(store: SqlEventStore, database_url: str) -> None:
    """SQLite refuses to write on a connection that has not read to its end what others have changed since."""
    for number in range(3):
        write(store, f"w{number}")
    tamper(store, "UPDATE events SET actor = 'operator:eve' WHERE position = 2")
    with pytest.raises(CorruptLogError, match="event 2") as kept:
        list(SqlFeed(store.database).follow(0))
    with opened(database_url) as other:
        write(other, "w3")
    assert [write(store, f"w{number}") for number in (4, 5, 6)] == [5, 6, 7]  # on each of the pool's connections
    assert kept.value.__traceback__ is not None


@pytest.mark.postgres
def test_a_listener_that_is_cut_alone_is_noticed(postgres_url: str) -> None:
    """Its errors are the driver's own: no statement runs on it that SQLAlchemy would see fail."""
    store = open_store(load_settings({"database": {"url": postgres_url}}))
    following = Following(store)
    try:
        write(store, "w0")
        assert following.next_position() == 1
        with store.database.engine.connect() as connection:
            listening = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
            cut = connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {listening}").all()
        assert len(cut) == 1
        following.wait_for_gap()
        write(store, "w1")
        assert following.next_position() == 2
    finally:
        following.stop()
        store.close()


def cut_others(store: SqlEventStore) -> None:
    """End all connections of a ledger but the one that asks for it."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}")


@pytest.mark.postgres
def test_that_it_is_back_is_told_before_what_has_come_meanwhile(postgres_url: str) -> None:
    with opened(postgres_url) as store, opened(postgres_url) as other:
        write(other, "w0")
        feed = SqlFeed(store.database)
        batches = feed.follow(0)
        assert [one.position for one in next(batches)] == [1]
        cut_others(other)
        assert (next(batches), feed.error is None) == ((), False)
        write(other, "w1")
        assert (next(batches), feed.error is None) == ((), True)
        assert [one.position for one in next(batches)] == [2]
        batches.close()  # type: ignore[attr-defined]


@pytest.mark.postgres
def test_a_cut_connection_is_made_again_and_nothing_is_missed_or_doubled(postgres_url: str) -> None:
    store = open_store(load_settings({"database": {"url": postgres_url}}))
    following = Following(store)
    try:
        for number in range(5):
            write(store, f"w{number}")
            assert following.next_position() == number + 1
            cut_others(store)
            following.wait_for_gap()
    finally:
        following.stop()
        store.close()
    assert following.seen.empty()
