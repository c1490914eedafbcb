"""S81: the projections are the fold of the log, they can be made again from it, and every difference is seen."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import select

from provider.domain import events as ev
from provider.domain.errors import StoreUnavailable
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences, rebuild
from provider.store.tables import generations, sandboxes, streams
from tests.contract.store_support import AUTHOR, SANDBOX, append, born, creating, died, execute

OTHER = "f" * 16
ACTIVITY = list(sandboxes.columns.keys()).index("last_activity_at")
PLANTED = [
    ("UPDATE sandboxes SET status = 'warm' WHERE sandbox_id = '{id}'", "status is 'warm', the log says 'active'"),
    ("UPDATE sandboxes SET user_id = NULL WHERE sandbox_id = '{id}'", "user_id is None"),
    ("UPDATE sandboxes SET holders = '[\"eve\"]' WHERE sandbox_id = '{id}'", "holders is"),
    ("UPDATE sandboxes SET version = 99 WHERE sandbox_id = '{id}'", "version is 99"),
    ("DELETE FROM sandboxes WHERE sandbox_id = '{id}'", "sandboxes ('{id}',): not in the projection"),
    ("UPDATE generations SET exit_code = 0 WHERE sandbox_id = '{id}' AND generation = 1", "exit_code is 0"),
    ("UPDATE generations SET removed_at = NULL WHERE generation = 1", "removed_at is None"),
    ("UPDATE generations SET startup_seconds = 2 WHERE generation = 2", "startup_seconds is 2.0, the log says 1.25"),
    ("DELETE FROM generations WHERE generation = 1", "not in the projection"),
    ("UPDATE generations SET generation = 9 WHERE generation = 1", "generations ('{id}', 9): not in the log"),
    ("UPDATE streams SET version = 7 WHERE stream = 'sandbox:{id}'", "version is 7"),
    ("DELETE FROM streams WHERE stream = 'worker:w'", "streams ('worker:w',): not in the projection"),
    ("UPDATE ledger_head SET live = 2", "ledger_head: live is 2, the log says 1"),
    ("INSERT INTO streams (stream, version) VALUES ('worker:v', 1)", "streams ('worker:v',): not in the log"),
]


@pytest.fixture
def lived(store: SqlEventStore) -> SqlEventStore:
    """Fill a ledger in which something happened: a crash, a second generation, another sandbox, a worker."""
    store.append("worker:w", 0, [ev.WorkerStarted(worker_id="w", host="h", pid=1)], AUTHOR)
    append(store, *born())
    append(store, *died(store))
    append(store, *born(2))
    append(store, creating(1, OTHER), sandbox_id=OTHER)
    append(store, ev.SandboxCreateFailed(generation=1, stage="start", error="no"), sandbox_id=OTHER)
    store.touch({SANDBOX: 5.0})
    return store


def snapshot(store: SqlEventStore) -> list[list[tuple[Any, ...]]]:
    """Read every row of every table that the log determines."""
    with store.database.engine.connect() as connection:
        tables = (streams, sandboxes, generations)
        return [[tuple(r) for r in connection.execute(select(t).order_by(*t.primary_key.columns))] for t in tables]


def test_deleted_rows_come_back_as_they_were(lived: SqlEventStore) -> None:
    before = snapshot(lived)
    execute(lived, "DELETE FROM generations", "DELETE FROM streams")
    assert len(find_differences(lived.database)) == 6
    seen: list[int] = []
    assert rebuild(lived.database, seen.append) == lived.head_position() == 15
    assert seen[-1] == 15
    assert snapshot(lived) == before
    assert find_differences(lived.database) == []


def test_dropped_tables_come_back_as_they_were(lived: SqlEventStore) -> None:
    before = snapshot(lived)
    views = set(sqlalchemy.inspect(lived.database.engine).get_view_names())
    along = "" if lived.database.is_sqlite else " CASCADE"
    execute(lived, f"DROP TABLE sandboxes{along}", f"DROP TABLE generations{along}")
    with pytest.raises(StoreUnavailable):
        lived.load(SANDBOX)
    rebuild(lived.database)
    after = snapshot(lived)
    assert [row[:ACTIVITY] + row[ACTIVITY + 1 :] for row in after[1]] == [
        row[:ACTIVITY] + row[ACTIVITY + 1 :] for row in before[1]
    ]
    assert (after[0], after[2]) == (before[0], before[2])
    assert set(sqlalchemy.inspect(lived.database.engine).get_view_names()) == views, (
        "views that a table took along are back"
    )
    append(lived, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    assert lived.load(SANDBOX).status == "warm"
    assert find_differences(lived.database) == []


def test_every_planted_difference_is_seen_and_mended(lived: SqlEventStore) -> None:
    before = snapshot(lived)
    for statement, says in PLANTED:
        execute(lived, statement.format(id=SANDBOX))
        differences = find_differences(lived.database)
        assert any(says.format(id=SANDBOX) in difference for difference in differences), (statement, differences)
        rebuild(lived.database)
        assert find_differences(lived.database) == []
        lived.touch({SANDBOX: 5.0})
        assert [[row[:2] for row in table] for table in snapshot(lived)] == [[r[:2] for r in t] for t in before]


def test_activity_moves_forward_and_never_back(store: SqlEventStore) -> None:
    append(store, *born())

    def activity() -> Any:
        with store.database.engine.connect() as connection:
            return connection.execute(select(sandboxes.c.last_activity_at)).scalar_one()

    assert activity() is None
    store.touch({SANDBOX: 3600})
    hour_ago = activity()
    assert 3590 < (store.now() - hour_ago).total_seconds() < 3700
    for age in (7200.0, 1e12, float("inf")):
        store.touch({SANDBOX: age})
        assert activity() == hour_ago
    for age in (60, 1e-7, 0, -5.0):
        before = activity()
        store.touch({SANDBOX: age, "unknown": 1.5})
        assert activity() > before
    assert activity() <= store.now()
    store.touch({})
    assert find_differences(store.database) == []
    append(store, ev.SandboxReleased(generation=1, worker_id="w1", cause="request"))
    assert activity() is not None
