"""The database's clock. SQLite has none of its own: it runs on the host that asks, whose clock it is."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, DateTime, func


def database_now(connection: Connection) -> datetime:
    """Tell the database's time, UTC, with microseconds."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment


def statement_now(connection: Connection) -> ColumnElement[datetime] | datetime:
    """Give the database's time as a part of a statement, so that one statement is enough."""
    is_sqlite = connection.dialect.name == "sqlite"
    return datetime.now(UTC) if is_sqlite else func.clock_timestamp(type_=DateTime(timezone=True))
