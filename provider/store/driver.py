"""The driver underneath SQLAlchemy, for the hot statements.

Appending and loading run on a cursor of the driver: SQLAlchemy still pools and configures the connections, but builds
no result for each statement, which costs more than SQLite needs to answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from provider.store.engine import take_write_lock

logger = logging.getLogger(__name__)


@contextmanager
def open_cursor(engine: Engine) -> Iterator[Any]:
    """Borrow a connection and open a cursor on it, with `?` parameters on SQLite and `$1` on PostgreSQL.

    Raises the driver's own errors. When the connection is lost, the pool forgets all it has: the next call connects
    anew.
    """
    pooled = engine.raw_connection()
    try:
        connection: Any = pooled.dbapi_connection
        cursor = connection.cursor() if engine.dialect.name == "sqlite" else _raw_cursor(connection)
        try:
            yield cursor
        except engine.dialect.loaded_dbapi.Error as error:
            if engine.dialect.is_disconnect(error, connection, cursor):
                pooled.invalidate(error)
                forget_dead(engine)
            raise
        finally:
            cursor.close()
    finally:
        pooled.close()


@contextmanager
def immediate_transaction(cursor: Any) -> Iterator[None]:
    """Hold SQLite's write lock from the start; commit, or roll back on error."""
    take_write_lock(cursor.execute)
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if cursor.connection.in_transaction:
            cursor.execute("ROLLBACK")
        raise


def forget_dead(engine: Engine) -> None:
    """Let SQLAlchemy find out whether the pool's next connection is dead: then it replaces all that are as old.

    Not `engine.dispose()`, which leaves open for ever what other threads have borrowed from the pool.
    """
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        logger.debug("the server is away: %s", error, extra={"action": "reconnect"})


def _raw_cursor(connection: Any) -> Any:
    from psycopg import RawCursor

    return RawCursor(connection)
