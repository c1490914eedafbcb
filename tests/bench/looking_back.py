"""The whole fleet as it was, in the middle of a long history, against the fleet as it is."""

from __future__ import annotations

import time
from collections.abc import Mapping

from provider.bootstrap import open_insights, open_past
from provider.config.settings import DatabaseSettings, Settings
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.long_history import long_history
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Look back to positions all over the history, each time with a fresh connection, as the command line does."""
    store, history = long_history(stage, dialect)
    settings = Settings(database=DatabaseSettings(url=store.database.url))
    then, now, seen = [], [], 0
    for tenth in range(1, 10):
        began = time.perf_counter()
        past = open_past(settings, history.position * tenth // 10)
        seen += sum(1 for _ in past.each_sandbox())
        past.close()
        then.append(time.perf_counter() - began)
        began = time.perf_counter()
        insights = open_insights(settings)
        assert next(insights.each_sandbox(), None) is not None
        insights.close()
        now.append(time.perf_counter() - began)
    assert seen > 0, "a history without a live sandbox measures nothing"
    against = f"of {history.position:,} events, {seen // 9} live then; the first page of now: {in_words(median(now))}"
    return {f"as_of_{dialect}": Reading(max(then), against)}


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = (Claim(f"as_of_{dialect}", "s at most", Goal("<=", 1.0)),)
    return Benchmark(f"as_of_{dialect}", claims, lambda stage: run(stage, dialect))
