"""S82 and S84: the database restarts under load; and a follower that sees everything once and in order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest

from provider import SandboxProvider, StoreUnavailable, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.log import RecordedEvent
from provider.store.log.event_store import SqlEventStore
from provider.store.log.feed import SqlFeed
from provider.store.projections.rebuild import find_differences
from provider.testing import FakeBackend
from tests.support.command_line import CommandLine
from tests.support.many_workers.crew import Crew
from tests.support.postgres import PostgresServer
from tests.support.waiting import wait_until

WRITERS = 4
ROUNDS = 15


class Load:
    """Threads that acquire and release until they are told to stop, and note what went wrong."""

    def __init__(self, sandboxes: SandboxProvider) -> None:
        self._sandboxes = sandboxes
        self._stopped = threading.Event()
        self.done = [0] * WRITERS
        self.errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(WRITERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._stopped.is_set():
            try:
                self._sandboxes.release(self._sandboxes.acquire(f"t{number}"))
                self.done[number] += 1
            except Exception as error:  # noqa: BLE001 - the test judges them
                self.errors.append(error)
                self._stopped.wait(0.05)

    def wait_for_progress(self) -> None:
        """Wait until every thread has come around twice."""
        before = list(self.done)
        wait_until(
            lambda: all(now >= then + 2 for now, then in zip(self.done, before, strict=True)),
            what="progress of every thread",
            timeout_seconds=30,
        )


@pytest.mark.parametrize("way", ["restart", "kill"])
def test_s82_the_server_restarts_under_load(own_postgres_server: PostgresServer, way: str) -> None:
    settings = load_settings({
        "database": {"url": own_postgres_server.create_database()},
        "sandbox": {"replicas": 100, "acquire_timeout": 20},
        "worker": {"heartbeat_interval": 0.2, "lease_time": 30},
    })  # fmt: skip
    backend = FakeBackend()
    with open_provider(settings, backend=backend) as sandboxes, open_provider(settings, backend=backend) as other:
        with Load(sandboxes) as load:
            load.wait_for_progress()
            if way == "restart":
                own_postgres_server.restart()
            else:
                own_postgres_server.kill()
                own_postgres_server.launch()
            load.wait_for_progress()
        assert {type(error) for error in load.errors} <= {StoreUnavailable}
        # The feed is back: what another worker ends is dropped here without a call.
        sandbox_id = sandboxes.acquire("t0")
        other.destroy(sandbox_id)
        wait_until(lambda: sandboxes.health().feed_error is None, what="the feed to be back")
        wait_until(lambda: sandboxes.get(sandbox_id) is None, what="the news of the end")
    check_log(settings.database.url)


def check_log(url: str) -> None:
    store = open_store(load_settings({"database": {"url": url}}))
    try:
        positions = [recorded.position for recorded in store.read_all()]  # each event's hash is checked as it is read
        assert positions == list(range(1, len(positions) + 1))
        assert find_differences(store.database) == []
    finally:
        store.close()


def test_s82_get_serves_what_the_kernel_proves_while_the_database_is_away(own_postgres_server: PostgresServer) -> None:
    settings = load_settings({"database": {"url": own_postgres_server.create_database()}})
    with open_provider(settings, backend=FakeBackend()) as sandboxes:
        sandbox_id = sandboxes.acquire("t")
        own_postgres_server.shut_down()
        try:
            wait_until(lambda: sandboxes.health().feed_error, what="the feed to notice")
            assert sandboxes.get(sandbox_id) is not None
            with pytest.raises(StoreUnavailable):
                sandboxes.acquire("t")
        finally:
            own_postgres_server.launch()
        wait_until(lambda: sandboxes.health().feed_error is None, what="the feed to be back")
        assert sandboxes.acquire("t") == sandbox_id


def test_s82_a_start_that_lost_the_ledger_is_given_up_and_made_again(own_postgres_server: PostgresServer) -> None:
    settings = load_settings({"database": {"url": own_postgres_server.create_database()}})
    backend = FakeBackend()
    with open_provider(settings, backend=backend) as sandboxes, open_provider(settings, backend=backend) as other:
        creating = backend.hang("create")
        errors: list[Exception] = []

        def acquire() -> None:
            try:
                sandboxes.acquire("t")
            except StoreUnavailable as error:
                errors.append(error)

        thread = threading.Thread(target=acquire)
        thread.start()
        creating.wait_entered()
        own_postgres_server.shut_down()
        creating.open()
        thread.join()
        own_postgres_server.launch()
        assert len(errors) == 1
        # Its worker lives, so nobody declares it lost; yet nobody waits for a start that nobody works on.
        sandbox_id = other.acquire("t", timeout=15)
        assert [c.info.generation for c in backend.containers() if c.info.sandbox_id == sandbox_id] == [2]


def test_s82_who_follows_the_log_is_told_and_misses_nothing(
    own_postgres_server: PostgresServer, tmp_path: Path
) -> None:
    settings = {"database": {"url": own_postgres_server.create_database()}}
    cli = CommandLine(tmp_path, settings)
    with cli.start("-o", "json", "events", "--follow", "--type", "SandboxReady") as follower:
        assert follower.stdout is not None
        assert follower.stderr is not None
        with open_provider(settings, backend=FakeBackend()) as sandboxes:
            before = sandboxes.acquire("before")
            assert json.loads(follower.stdout.readline())["stream"] == f"sandbox:{before}"
        own_postgres_server.shut_down()
        assert follower.stderr.readline().endswith("; waiting for it\n")
        own_postgres_server.launch()
        with open_provider(settings, backend=FakeBackend()) as sandboxes:
            after = sandboxes.acquire("after")
        assert json.loads(follower.stdout.readline())["stream"] == f"sandbox:{after}"
        assert follower.stderr.readline() == "sandbox-ledger: the database answers again\n"
        follower.terminate()


@pytest.fixture
def store(crew: Crew) -> Iterator[SqlEventStore]:
    opened = open_store(crew.settings())
    yield opened
    opened.close()


def follow(feed: SqlFeed, seen: list[RecordedEvent]) -> threading.Thread:
    def run() -> None:
        for batch in feed.follow(0):
            seen.extend(batch)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_s84_a_follower_sees_every_event_once_and_in_order(crew: Crew, store: SqlEventStore) -> None:
    seen: list[RecordedEvent] = []
    feed = SqlFeed(store.database)
    thread = follow(feed, seen)
    try:
        workers = [crew.open_worker() for _ in range(WRITERS)]
        calls = [(w, w.send("take_turns", f"t{i % 2}", ROUNDS)) for i, w in enumerate(workers)]
        assert [w.answer(call) for w, call in calls] == [[]] * WRITERS
        wait_until(lambda: len(seen) >= store.head_position(), what="the follower to catch up")
    finally:
        feed.stop()
        thread.join()
    assert [recorded.position for recorded in seen] == list(range(1, len(seen) + 1))
    assert_versions_in_order(seen)


def assert_versions_in_order(seen: Sequence[RecordedEvent]) -> None:
    versions: dict[str, int] = {}
    for recorded in seen:
        assert recorded.version == versions.get(recorded.stream, 0) + 1
        versions[recorded.stream] = recorded.version
