"""Verifying a long history, against what cannot be saved: selecting the same rows and hashing their bytes.

The bare side reads the same columns through the driver, in one go, and chains sha256 over them with no canonical form:
the floor for anything that reads the whole log in Python. Both run in turns on one ledger.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping

from provider.archive.sealing import Sealing
from provider.domain.log import Author
from provider.domain.seals import SealKey
from provider.domain.verification import Scope
from provider.store.log.event_store import SqlEventStore
from provider.store.log.seals import SqlSeals
from provider.store.verification import Verification
from tests.bench.append import CORRELATION, STEPS, appends
from tests.bench.bulk import fill
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.generate import History
from tests.bench.lives import make_identity
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median
from tests.contract.store_support import NothingKept

KEY = SealKey.from_text("the key of a benchmark, known to all")
COLUMNS = (
    "position, stream, version, type, schema_version, CAST(data AS text), CAST(recorded_at AS text), actor, "
    "correlation_id, command_id, hash"
)
ROWS_AT_ONCE = 5000
LIVES_SINCE = 50


def bare(store: SqlEventStore) -> None:
    """Select every row in order and chain a hash over its text."""
    link = b""
    after = 0
    pooled = store.database.engine.raw_connection()
    try:
        cursor = pooled.cursor()
        mark = "?" if store.database.is_sqlite else "%s"
        page = f"SELECT {COLUMNS} FROM events WHERE position > {mark} ORDER BY position LIMIT {ROWS_AT_ONCE}"
        while rows := cursor.execute(page, (after,)).fetchall():
            for row in rows:
                link = hashlib.sha256(link + repr(row).encode()).digest()
            after = rows[-1][0]
        cursor.close()
    finally:
        pooled.close()


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Fill a ledger, seal it, let some lives go by, and verify all of it and what is behind the seal."""
    size = 10_000 if stage.quick else 1_000_000
    store = stage.new_store(dialect)
    fill(store, History(size))
    sealing = Sealing(store, SqlSeals(store.database), KEY, NothingKept())
    assert sealing.seal(Author("sweeper:bench", CORRELATION)) is not None
    for work in appends(store, map(make_identity, range(LIVES_SINCE))):
        work()
    whole, floor = [], []
    for _ in range(1 if stage.quick else 2):
        whole.append(_seconds(lambda: _verify(store, since=False, least=size)))
        floor.append(_seconds(lambda: bare(store)))
    since = [_seconds(lambda: _verify(store, since=True, least=LIVES_SINCE * STEPS)) for _ in range(5)]
    processor = time.process_time()
    _verify(store, since=False, least=size)
    processor = time.process_time() - processor
    best, bare_best, events = min(whole), min(floor), store.head_position()
    rate = f"{events:,} events, {events / best:,.0f}/s, best of {len(whole)}; {in_words(processor)} of it computing"
    return {
        f"verify_{dialect}": Reading(best, rate),
        f"verify_vs_bare_{dialect}": Reading(
            best / bare_best, f"select and bare sha256 of the same rows: {in_words(bare_best)}, ours {in_words(best)}"
        ),
        f"verify_since_seal_{dialect}": Reading(
            median(since) * 1000, f"{events - size:,} events behind a seal of {size:,}, median of {len(since)}"
        ),
    }


def _verify(store: SqlEventStore, *, since: bool, least: int) -> None:
    report = Verification(store.database, KEY, Scope(since_last_seal=since, tables=False)).run()
    assert report.problem_count == 0, report.problems[:3]
    assert report.events >= least
    assert (report.start_kind == "seal") == since


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = (
        Claim(f"verify_{dialect}", "s", Goal("<=", 60)),
        Claim(f"verify_vs_bare_{dialect}", "x the time"),
        Claim(f"verify_since_seal_{dialect}", "ms", Goal("<=", 1000)),
    )
    return Benchmark(f"verify_{dialect}", claims, lambda stage: run(stage, dialect))
