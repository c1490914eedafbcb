"""A long history must cost nothing: appends and stream reads at 1,000,000 events against the same at 10,000."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping

from provider.store.log.event_store import SqlEventStore
from tests.bench.append import STEPS, appends
from tests.bench.bulk import fill
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.generate import History
from tests.bench.lives import make_identity
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, median_of_groups, take_turns

LENGTH = 20
"""Only streams of this many events are read, so that both sides read as much."""


def reads(store: SqlEventStore, history: History) -> Iterator[Work]:
    """Read whole streams, picked at random from all of the history."""
    streams = [life.stream for life in history.lives if len(life.positions) == LENGTH]
    chosen = random.Random(7)
    while True:
        stream = chosen.choice(streams)
        yield lambda stream=stream: _read(store, stream)  # type: ignore[misc]


def _read(store: SqlEventStore, stream: str) -> None:
    assert sum(1 for _ in store.read_stream(stream)) == LENGTH


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Fill two ledgers, then take turns."""
    sizes = (2_000, 10_000) if stage.quick else (10_000, 1_000_000)
    turns = 3 if stage.quick else 40
    filled = [(store := stage.new_store(dialect), fill(store, History(size))) for size in sizes]
    lived = [appends(store, (make_identity(n) for n in itertools.count())) for store, _ in filled]
    taken = take_turns(turns * STEPS, *lived, warm_up=turns // 3 * STEPS)
    short, long = (median_of_groups(samples, STEPS) / STEPS for samples in taken)
    read = take_turns(turns * 10, *(reads(*one) for one in filled), warm_up=turns)
    short_read, long_read = (median(samples) for samples in read)
    return {
        f"history_append_{dialect}": _compare(short, long, sizes),
        f"history_read_{dialect}": _compare(short_read, long_read, sizes),
    }


def _compare(short: float, long: float, sizes: tuple[int, int]) -> Reading:
    return Reading(long / short, f"at {sizes[0]:,} events: {in_words(short)}, at {sizes[1]:,}: {in_words(long)}")


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = [Claim(f"history_{what}_{dialect}", "x the time", Goal("<=", 1.3)) for what in ("append", "read")]
    return Benchmark(f"history_{dialect}", tuple(claims), lambda stage: run(stage, dialect))
