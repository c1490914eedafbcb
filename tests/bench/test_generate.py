"""A generated history is one that the ledger itself would have written."""

from __future__ import annotations

import itertools

import pytest

from provider.domain.errors import CorruptLogError
from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import upgrade
from provider.store.projections.rebuild import find_differences
from tests.bench.append import STEPS, appends
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.bench.lives import make_identity

EVENTS = 1500


def test_a_generated_history_is_valid_and_can_be_continued(database_url: str) -> None:
    database = open_database(database_url)
    upgrade(database)
    store = SqlEventStore(database)
    try:
        history = fill(store, History(EVENTS))
        for work in itertools.islice(appends(store, (make_identity(n) for n in range(2))), STEPS + 5):
            work()
        assert EVENTS - 2 <= history.position <= EVENTS
        try:
            events = list(store.read_all())
        except CorruptLogError as error:
            pytest.fail(str(error))
        assert [e.position for e in events] == list(range(1, store.head_position() + 1))
        assert find_differences(store.database) == []
        with store.database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT * FROM v_violations").all() == []
        assert len({e.type for e in (r.event for r in events)}) >= 9
    finally:
        store.close()
