"""get() with 1,000 sandboxes bound in one process, while eight other processes write to the same ledger.

It does no I/O: while the calls are measured, the checkouts of database connections by the calling thread and the
engine's calls by anybody are counted, and the kernel counts the thread's read and write system calls.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provider import SandboxProvider, open_provider
from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.testing import FakeBackend
from tests.bench.append import appends
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.hands import hands, percentile
from tests.bench.io_count import counted
from tests.bench.lives import make_identity
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median

WRITERS = 8
SANDBOXES = 1000


@contextmanager
def writing(url: str, name: str) -> Iterator[Callable[[float], int]]:
    """Append without a pause for the length of a round; tell how many."""
    store = SqlEventStore(open_database(url))
    works = appends(store, (make_identity(number, name) for number in itertools.count()))

    def play(seconds: float) -> int:
        end, done = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            next(works)()
            done += 1
        return done

    try:
        yield play
    finally:
        store.close()


def _look(provider: SandboxProvider, ids: list[str], seconds: float) -> list[float]:
    """Call get() for one id after the other, in a random order; tell the seconds of each call."""
    taken, chosen = list[float](), random.Random(5).choices(ids, k=20_000)
    ended = time.perf_counter() + seconds
    for sandbox_id in itertools.cycle(chosen):
        began = time.perf_counter()
        sandbox = provider.get(sandbox_id)
        taken.append(time.perf_counter() - began)
        assert sandbox is not None
        if began > ended:
            break
    return taken


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Bind them all, look while nobody writes, look while eight write."""
    size, seconds = (50, 0.3) if stage.quick else (SANDBOXES, 4.0)
    store, engine = stage.new_store(dialect), FakeBackend()
    settings = {
        "database": {"url": store.database.url},
        "sandbox": {"replicas": 2 * size},
        "sweeper": {"enabled": False},
    }
    jobs = [(store.database.url, f"writer{number}") for number in range(WRITERS)]
    with open_provider(settings, backend=engine) as provider, hands(writing, jobs) as writers:
        ids = [provider.acquire(f"bound-{number}") for number in range(size)]
        assert provider.health().sandboxes == size
        quiet = _look(provider, ids, seconds / 4)
        for writer in writers:
            writer.begin(seconds + 0.5)
        time.sleep(0.25)
        with counted(engine) as calls:
            taken = _look(provider, ids, seconds)
        with counted(engine) as proof:
            provider.get("0" * 16)  # nobody's: only the ledger can tell
        assert proof["store"] > 0, "the count of calls counts nothing"
        written = sum(writer.finish() for writer in writers)
    told = (
        f"{size} bound, {WRITERS} processes write {written / (seconds + 0.5):.0f} appends/s: p99 "
        f"{in_words(percentile(taken, 99))}; while nobody writes: median {in_words(median(quiet))}"
    )
    counts = f"{len(taken):,} calls: {calls['store']} of the store, {calls['engine']} of the engine, "
    return {
        f"get_many_{dialect}": Reading(median(taken) * 1e6, told),
        f"get_many_io_{dialect}": Reading(
            calls["store"] + calls["engine"] + calls["system"], f"{counts}{calls['system']} reads and writes"
        ),
    }


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = (
        Claim(f"get_many_{dialect}", "µs median", Goal("<=", 20)),
        Claim(f"get_many_io_{dialect}", "I/O calls", Goal("<=", 0)),
    )
    return Benchmark(f"get_many_{dialect}", claims, lambda stage: run(stage, dialect))
