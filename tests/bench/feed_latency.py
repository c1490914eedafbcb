"""How soon a commit in one process is seen in another through the change feed.

The clock is CLOCK_MONOTONIC, which the processes of a host share: read right after the append has returned here, and
when the follower's iterator yields there. The pauses between commits are random, so as not to beat with any period.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.log.feed import SqlFeed
from tests.bench.append import appends
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.hands import hands, percentile
from tests.bench.lives import make_identity
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median
from tests.support.waiting import wait_until

PAUSES = (0.002, 0.05)


@contextmanager
def following(url: str, after: int) -> Iterator[Callable[[int], dict[int, float]]]:
    """Follow from a position; a round waits for the last one asked for and tells when each was seen."""
    database = open_database(url)
    feed, seen = SqlFeed(database), dict[int, float]()

    def run() -> None:
        for batch in feed.follow(after):
            now = time.monotonic()
            seen.update((one.position, now) for one in batch)

    def play(position: int) -> dict[int, float]:
        wait_until(lambda: position in seen, what=f"position {position}", timeout_seconds=20, interval_seconds=0.1)
        return dict(seen)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield play
    finally:
        feed.stop()
        thread.join()
        database.close()


def _commit(store: SqlEventStore, commits: int) -> tuple[dict[int, float], list[float]]:
    """Commit with pauses; tell when each append had returned, by its last position, and what it took."""
    chance, done, taken = random.Random(11), dict[int, float](), []
    position = store.head_position()
    works = appends(store, (make_identity(number, f"feed{position}") for number in itertools.count()))
    for work in itertools.islice(works, commits):
        time.sleep(chance.uniform(*PAUSES))
        began = time.monotonic()
        work()
        at = time.monotonic()
        taken.append(at - began)
        position = store.head_position()
        done[position] = at
    return done, taken


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Commit here, follow there."""
    commits, bound = 30 if stage.quick else 500, BOUNDS[dialect]
    store = stage.new_store(dialect)
    with hands(following, [(store.database.url, 0)]) as (follower,):
        _commit(store, 10)
        done, taken = _commit(store, commits)
        follower.begin(max(done))
        seen = follower.finish()
    latencies = [seen[position] - at for position, at in done.items()]
    assert sorted(seen) == list(range(1, store.head_position() + 1)), "the feed missed something"
    late = sum(one > bound / 1000 for one in latencies)
    against = (
        f"{commits} commits seen by another process: median {in_words(max(1e-9, median(latencies)))}, "
        f"worst {in_words(max(latencies))}, {late} above {bound} ms; the append itself {in_words(median(taken))}"
    )
    return {f"feed_latency_{dialect}": Reading(percentile(latencies, 99) * 1000, against)}


BOUNDS = {"sqlite": 25, "postgres": 10}


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claim = Claim(f"feed_latency_{dialect}", "ms p99", Goal("<=", BOUNDS[dialect]))
    return Benchmark(f"feed_latency_{dialect}", (claim,), lambda stage: run(stage, dialect))
