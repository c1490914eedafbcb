"""A ledger with a long history, filled once per run and dialect: for benchmarks that only read it."""

from __future__ import annotations

import functools

from provider.store.log.event_store import SqlEventStore
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.bench.stage import Stage

EVENTS = 1_000_000
EVENTS_WHEN_QUICK = 10_000


@functools.cache
def long_history(stage: Stage, dialect: str) -> tuple[SqlEventStore, History]:
    """Give the ledger and what was lived in it. Nobody may write to it."""
    store = stage.new_store(dialect)
    return store, fill(store, History(EVENTS_WHEN_QUICK if stage.quick else EVENTS))
