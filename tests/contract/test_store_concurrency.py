"""Eight processes write, one follows: nothing is lost, nothing is doubled, nothing comes out of order."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, wait

import pytest

from provider.domain.log import RecordedEvent
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences
from tests.contract.store_support import append, assert_chained, born, opened
from tests.contract.store_writer import meet, write

WRITERS = 8
ROUNDS = 8
SANDBOXES = ["a" * 16, "b" * 16, "c" * 16]


def follow_while_they_write(store: SqlEventStore, url: str) -> tuple[list[RecordedEvent], int, int]:
    """Follow the log from its start while the writers run; return what was seen, and what they wrote and lost."""
    seen: list[RecordedEvent] = []
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contract.store_writer"])
    start = context.Barrier(WRITERS, timeout=60)
    with ProcessPoolExecutor(WRITERS, mp_context=context, initializer=meet, initargs=(start.wait,)) as pool:
        running = [pool.submit(write, url, f"w{n}", SANDBOXES, ROUNDS) for n in range(WRITERS)]
        while not all(writer.done() for writer in running):
            seen += store.read_all(seen[-1].position if seen else 0)
            wait(running, timeout=0.005)
        reports = [writer.result() for writer in running]
    seen += store.read_all(seen[-1].position)
    return seen, sum(written for written, _ in reports), sum(lost for _, lost in reports)


def check_everything(store: SqlEventStore, url: str) -> None:
    for sandbox_id in SANDBOXES:
        append(store, *born(sandbox_id=sandbox_id), sandbox_id=sandbox_id)
    seen, written, lost = follow_while_they_write(store, url)
    assert len(seen) == written + 4 * len(SANDBOXES)
    assert written == WRITERS * (1 + ROUNDS * len(SANDBOXES))
    assert lost > 0, "the writers never met: this test proves nothing"
    assert_chained(seen)
    versions: Counter[str] = Counter()
    for recorded in seen:
        versions[recorded.stream] += 1
        assert recorded.version == versions[recorded.stream]
    assert list(store.read_all()) == seen
    assert find_differences(store.database) == []
    # Every round but the last is undone by the next: what is left is the parity of the rounds.
    assert all(store.load(sandbox_id).holders == ("w1",) for sandbox_id in SANDBOXES)


@pytest.mark.slow
def test_a_follower_sees_every_commit_once_and_in_order(store: SqlEventStore, database_url: str) -> None:
    check_everything(store, database_url)


@pytest.mark.slow
def test_the_same_without_a_write_ahead_log(sqlite_url: str) -> None:
    """Where no safe SQLite library is to be had, every commit shuts readers out for a moment."""
    with opened(sqlite_url, page=7) as store:
        with store.database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode = TRUNCATE").scalar_one() == "truncate"
        check_everything(store, sqlite_url)
