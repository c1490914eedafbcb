"""The views tell one history alike on both databases, and tell it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from provider.domain.log import format_timestamp, parse_timestamp
from provider.store.audit_sql.views import CURRENT
from provider.store.log.event_store import SqlEventStore
from provider.store.tables import generations
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.contract.store_support import execute, opened

EVENTS = 4000
SEED = 4  # a history with operators in it
ENDS_AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PERCENTILES = """
SELECT (died_at AT TIME ZONE 'UTC')::date AS day, image,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY detection_seconds) AS p95
FROM v_deaths WHERE detection_seconds IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
def both(sqlite_url: str, postgres_url: str) -> Iterator[tuple[SqlEventStore, SqlEventStore]]:
    """Write the same history in both databases, with deaths that were noticed late."""
    with opened(sqlite_url) as sqlite, opened(postgres_url) as postgres:
        for store in (sqlite, postgres):
            fill(store, History(EVENTS, seed=SEED, ends_at=ENDS_AT))
            execute(store, "UPDATE generations SET finished_at = ready_at WHERE finished_at IS NOT NULL")
        yield sqlite, postgres


def plain(value: Any) -> Any:
    """Write a value as SQLite has it."""
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def read(connection: Connection, view: str) -> list[tuple[Any, ...]]:
    rows = connection.exec_driver_sql(f"SELECT * FROM {view}").all()
    return sorted((tuple(plain(value) for value in row) for row in rows), key=repr)


def test_both_databases_give_the_same_rows(both: tuple[SqlEventStore, SqlEventStore]) -> None:
    for view in CURRENT:
        told = []
        for store in both:
            with store.database.engine.connect() as connection:
                told.append(read(connection, view))
        assert told[0] == told[1], view
        assert bool(told[0]) == (view != "v_violations"), view


def test_the_percentile_is_that_of_postgresql(both: tuple[SqlEventStore, SqlEventStore]) -> None:
    ours = "SELECT day, image, detection_p95_seconds FROM v_daily_reliability WHERE detection_p95_seconds IS NOT NULL"
    with both[1].database.engine.connect() as connection:
        theirs = connection.exec_driver_sql(PERCENTILES).all()
        assert connection.exec_driver_sql(f"{ours} ORDER BY 1, 2").all() == theirs
    assert len({row.p95 for row in theirs}) > 10


def spans(rows: Sequence[Any], start: str, end: str) -> list[float]:
    found = [(getattr(row, start), getattr(row, end)) for row in rows]
    return [max(0.0, _gap(*pair)) for pair in found if None not in pair]


def _gap(start: Any, end: Any) -> float:
    first, last = (parse_timestamp(one) if isinstance(one, str) else one for one in (start, end))
    return (last - first) / timedelta(seconds=1)


def test_seconds_are_exact_to_the_microsecond(both: tuple[SqlEventStore, SqlEventStore]) -> None:
    for store in both:
        with store.database.engine.connect() as connection:
            restarts = connection.exec_driver_sql("SELECT * FROM v_restarts WHERE restarted_at IS NOT NULL").all()
            deaths = connection.exec_driver_sql("SELECT * FROM v_deaths WHERE detection_seconds IS NOT NULL").all()
            holds = connection.exec_driver_sql("SELECT * FROM v_holds WHERE held_seconds IS NOT NULL").all()
        assert [row.downtime_seconds for row in restarts] == spans(restarts, "ended_at", "restarted_at")
        assert [row.detection_seconds for row in deaths] == spans(deaths, "died_at", "detected_at")
        assert [row.held_seconds for row in holds] == spans(holds, "acquired_at", "released_at")


def test_holds_are_those_of_the_log(both: tuple[SqlEventStore, SqlEventStore]) -> None:
    """Each hold, and its end, told by going through the events one by one."""
    for store in both:
        expected = sorted(follow_holds(store), key=repr)
        with store.database.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT sandbox_id, generation, worker_id, acquired_at, released_at, release_cause FROM v_holds"
            ).all()
        assert sorted((tuple(plain(value) for value in row) for row in rows), key=repr) == expected


def follow_holds(store: SqlEventStore) -> Iterator[tuple[Any, ...]]:
    ends = {"SandboxDied": "died", "SandboxEvicted": "evicted", "SandboxCreating": "replaced"}
    held: dict[str, dict[str, tuple[Any, ...]]] = {}
    for recorded in store.read_all():
        if not recorded.stream.startswith("sandbox:"):
            continue
        sandbox_id, at = recorded.stream.removeprefix("sandbox:"), format_timestamp(recorded.recorded_at)
        open_holds = held.setdefault(sandbox_id, {})
        event: Any = recorded.event
        if event.type == "SandboxAcquired":
            open_holds[event.worker_id] = (sandbox_id, event.generation, event.worker_id, at)
        elif event.type == "SandboxReleased":
            yield (*open_holds.pop(event.worker_id), at, event.cause)
        elif event.type in ends:
            yield from ((*hold, at, ends[event.type]) for hold in open_holds.values())
            open_holds.clear()
    yield from ((*hold, None, None) for open_holds in held.values() for hold in open_holds.values())


def test_the_percentile_of_detection_is_not_the_slowest(store: SqlEventStore) -> None:
    end = datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = [
        {
            "sandbox_id": f"{number:016x}", "generation": 1, "backend": "fake", "image": "image", "cause": "cold",
            "container_name": "c", "creating_at": end, "ready_at": end, "finished_at": end, "removal_failures": 0,
            "died_at": end + timedelta(seconds=number),
        }
        for number in range(1, 101)
    ]  # fmt: skip
    with store.database.engine.begin() as connection:
        connection.execute(insert(generations), rows)
        found = connection.execute(text("SELECT detection_p95_seconds FROM v_daily_reliability")).scalars().all()
    assert found == [95]
