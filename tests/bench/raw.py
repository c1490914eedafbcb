"""The bare drivers, set up for the same durability as the store."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import psycopg
import sqlalchemy

from provider.store.engine import sqlite_module
from provider.store.log.event_store import SqlEventStore
from tests.bench.stage import Stage, flush_seconds
from tests.bench.timing import in_words


def open_cursor(stage: Stage, store: SqlEventStore, kind: type[Any]) -> Any:
    """Open a cursor of this kind on the database of a store, in autocommit; closed with the stage."""
    url = store.database.engine.url
    connection = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
    stack = ExitStack()
    stack.callback(connection.close)
    stage.closing(stack)
    return kind(connection)


def rename_ledger(store: SqlEventStore, ledger_id: str) -> None:
    """Give an empty ledger the id of another one, so that statements recorded there work here."""
    with store.database.engine.connect() as connection:
        connection.execute(sqlalchemy.text("UPDATE ledger_head SET ledger_id = :id"), {"id": ledger_id})


def durability(stage: Stage, store: SqlEventStore) -> str:
    """Say what the store's own connections do at a commit, as the database tells it, and what the disk takes now."""
    names = ("journal_mode", "synchronous") if store.database.is_sqlite else ("fsync", "synchronous_commit")
    word = "PRAGMA" if store.database.is_sqlite else "SHOW"
    with store.database.engine.connect() as connection:
        told = [f"{name} {connection.exec_driver_sql(f'{word} {name}').scalar_one()}" for name in names]
    return ", ".join([*told, f"flush {in_words(flush_seconds(stage.directory))}"])


def _sqlite(url: sqlalchemy.URL) -> Any:
    connection = sqlite_module().connect(url.database, isolation_level=None, timeout=0)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _postgres(url: sqlalchemy.URL) -> Any:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)
