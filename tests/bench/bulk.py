"""A generated history into an empty ledger, all at once: many rows a statement on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg

from provider.domain.log import format_timestamp
from provider.store.database import open_database
from provider.store.engine import sqlite_module
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import upgrade
from provider.store.states.rows import GENERATION_COLUMNS, SANDBOX_COLUMNS
from tests.bench.generate import History, Life

EVENT_COLUMNS = (
    "position", "stream", "version", "type", "schema_version", "data", "recorded_at", "actor", "correlation_id",
    "command_id", "hash",
)  # fmt: skip
CHUNK = 5000
LIVE = ("creating", "active", "warm")
"""The statuses that the head row counts against the capacity."""

Insert = Callable[[str, tuple[str, ...], Iterable[tuple[Any, ...]]], None]


def fill_database(url: str, events: int) -> History:
    """Migrate an empty database and fill it."""
    database = open_database(url)
    upgrade(database)
    store = SqlEventStore(database)
    try:
        return fill(store, History(events))
    finally:
        store.close()


def fill(store: SqlEventStore, history: History) -> History:
    """Fill an empty ledger in one transaction, and leave the database as it is after a quiet night."""
    assert store.head_position() == 0, "the ledger is not empty"
    if store.database.is_sqlite:
        _fill_sqlite(store, history)
    else:
        _fill_postgres(store, history)
    return history


def _fill_all(insert: Insert, history: History) -> None:
    insert("events", EVENT_COLUMNS, history.rows())
    lives: list[Life] = [life for life in history.lives if life.done]
    streams = [(life.stream, len(life.positions)) for life in lives]
    insert("streams", ("stream", "version"), [*streams, *history.surroundings.versions.items()])
    for table, rows in history.surroundings.tables(history.recorded_at).items():
        columns = tuple(rows[0])
        insert(table, columns, (_as_values(row, columns) for row in rows))
    insert("sandboxes", SANDBOX_COLUMNS, (_as_values(life.sandbox(), SANDBOX_COLUMNS) for life in lives))
    generations = (_as_values(row, GENERATION_COLUMNS) for life in lives for row in life.generations())
    insert("generations", GENERATION_COLUMNS, generations)


def _head(history: History) -> tuple[Any, ...]:
    live = sum(life.sandbox()["status"] in LIVE for life in history.lives if life.done)
    return history.position, history.hash, history.previous_hash, format_timestamp(history.recorded_at), live


def _fill_sqlite(store: SqlEventStore, history: History) -> None:
    connection = sqlite_module().connect(store.database.engine.url.database, isolation_level=None)

    def insert(table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        places = ", ".join("?" * len(columns))
        for chunk in _chunks(rows):
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", chunk)

    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        _fill_all(insert, history)
        connection.execute(
            "UPDATE ledger_head SET position = ?, hash = ?, previous_hash = ?, recorded_at = ?, live = ?",
            _head(history),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _fill_postgres(store: SqlEventStore, history: History) -> None:
    address = store.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:

        def insert(table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
            with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)

        with connection.transaction():
            _fill_all(insert, history)
            connection.execute(
                "UPDATE ledger_head SET position = %s, hash = %s, previous_hash = %s, recorded_at = %s, live = %s",
                _head(history),
            )
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _as_values(row: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[Any, ...]:
    """Bind a row for both databases: times as text."""
    return tuple(format_timestamp(v) if isinstance(v := row[name], datetime) else v for name in columns)


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
