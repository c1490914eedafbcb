"""What somebody with all rights on a database does who wants to leave no trace: the guards are put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

_GUARDS = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"


@contextmanager
def guards_taken_away(connection: Connection) -> Iterator[None]:
    """Take away what keeps the log from being changed, for as long as the block runs."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        guards = {row.name: row.sql for row in connection.exec_driver_sql(query)}
        away = [f"DROP TRIGGER {name}" for name in guards]
        back = list(guards.values())
    else:
        names = connection.exec_driver_sql(_GUARDS).scalars().all()
        away = ["ALTER TABLE events DISABLE TRIGGER ALL"]
        back = [f"ALTER TABLE events ENABLE ALWAYS TRIGGER {name}" for name in names]
    for statement in away:
        connection.exec_driver_sql(statement)
    yield
    for statement in back:
        connection.exec_driver_sql(statement)
