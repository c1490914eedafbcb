"""What a store sends to its driver, recorded call by call, so that a bare driver can send the very same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import event

from provider.store.engine import sqlite_module
from provider.store.log.event_store import SqlEventStore


@dataclass(frozen=True, slots=True)
class Sent:
    """One call of a cursor: which kind of cursor, and the call."""

    cursor: type[Any]
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@contextmanager
def recorded(store: SqlEventStore) -> Iterator[list[Sent]]:
    """Give a list that grows with everything the store sends."""
    sent: list[Sent] = []
    store.database.engine.dispose()
    record = _on_sqlite if store.database.is_sqlite else _on_postgres
    with record(store, sent):
        store.head_position()  # connects, so that setting a connection up is no part of what follows
        sent.clear()
        yield sent


def replay(cursor: Any, sent: Iterable[Sent]) -> None:
    """Send it all again and read every answer; what only sets a connection up is left out."""
    for one in sent:
        if str(one.arguments[0]).startswith("PRAGMA"):
            continue
        getattr(cursor, one.method)(*one.arguments, **one.options)
        if cursor.description is not None:
            cursor.fetchall()


@contextmanager
def _on_sqlite(store: SqlEventStore, sent: list[Sent]) -> Iterator[None]:
    module = sqlite_module()

    class RecordingCursor(module.Cursor):  # type: ignore[misc,name-defined]
        def execute(self, *arguments: Any) -> Any:
            sent.append(Sent(module.Cursor, "execute", arguments, {}))
            return super().execute(*arguments)

        def executemany(self, sql: str, rows: Iterable[Any]) -> Any:
            sent.append(Sent(module.Cursor, "executemany", (sql, list(rows)), {}))
            return super().executemany(*sent[-1].arguments)

    class RecordingConnection(module.Connection):  # type: ignore[misc,name-defined]
        def cursor(self, factory: Any = RecordingCursor) -> Any:
            return super().cursor(factory)

    def connect(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        options["factory"] = RecordingConnection

    event.listen(store.database.engine, "do_connect", connect)
    yield
    event.remove(store.database.engine, "do_connect", connect)


@contextmanager
def _on_postgres(_store: SqlEventStore, sent: list[Sent]) -> Iterator[None]:
    execute = psycopg.Cursor.execute

    def record(self: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(Sent(type(self), "execute", arguments, options))
        return execute(self, *arguments, **options)

    # On the class, because a store may make cursors of any kind; each of them calls this.
    with mock.patch.object(psycopg.Cursor, "execute", record):
        yield
