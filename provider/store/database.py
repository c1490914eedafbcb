"""One database: its engine, its address, its clock, and how it is read and written."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Engine, func
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError

from provider.domain.errors import StoreUnavailable
from provider.store.engine import create_engine, write_lock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Database:
    """What every class of the store takes. Safe from any thread; errors of the driver become `StoreUnavailable`."""

    engine: Engine
    url: str = field(repr=False)
    """With its password."""

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; else it is PostgreSQL."""
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """The URL without its password, for messages."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def driver_error(self) -> type[Exception]:
        """The root of the driver's errors."""
        error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        return error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn every error of the driver or of SQLAlchemy into `StoreUnavailable`; errors of our own pass."""
        try:
            yield
        except (SQLAlchemyError, self.driver_error) as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: BaseException) -> StoreUnavailable:
        """Describe a driver error: which database, what it said, what to do."""
        said = str(error.orig if isinstance(error, DBAPIError) and error.orig else error).strip().splitlines()
        cause = said[0] if said else type(error).__name__
        directory = Path(self.engine.url.database or "").parent
        if self.is_sqlite and not directory.is_dir():
            cause = f"there is no directory {directory} (make it, or mount it)"
        advice = "nothing was lost, try again when it answers (`sandbox-ledger doctor` tells)"
        return StoreUnavailable(f"database {self.name}: {cause}; {advice}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reads that need not see one moment; nothing is held between two of them."""
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction whose reads all see one moment; it blocks no writer."""
        begin = "BEGIN" if self.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self.reading() as connection:
            connection.exec_driver_sql(begin)
            with _committed(connection):
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that, on SQLite, holds the write lock from its start; commit, or roll back on error."""
        with self.reading() as connection, self._begun_to_write(connection), _committed(connection):
            yield connection

    @contextmanager
    def _begun_to_write(self, connection: Connection) -> Iterator[None]:
        if self.is_sqlite:
            with write_lock(connection.exec_driver_sql):
                yield
        else:
            connection.exec_driver_sql("BEGIN")
            yield

    @contextmanager
    def writing_once(self) -> Iterator[Connection]:
        """Open a connection for one writing statement, for rows that others may have to write.

        On PostgreSQL it commits by itself: a process that is stopped after it keeps no lock.
        """
        with self.writing() if self.is_sqlite else self.reading() as connection:
            yield connection

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Open a cursor of the driver, for the hot statements: `?` parameters on SQLite and `$1` on PostgreSQL.

        SQLAlchemy still pools and configures the connections, but builds no result for each statement, which costs more
        than SQLite needs to answer. Raises the driver's own errors: wrap it in `translated`. A connection that was lost
        is thrown away, and the pool's other old ones with it.
        """
        dialect = self.engine.dialect
        pooled = self.engine.raw_connection()
        try:
            connection: Any = pooled.dbapi_connection
            cursor = connection.cursor() if self.is_sqlite else _raw_cursor()(connection)
            try:
                yield cursor
            except dialect.loaded_dbapi.Error as error:
                if dialect.is_disconnect(error, connection, cursor):
                    pooled.invalidate(error)
                raise
            finally:
                cursor.close()
        finally:
            pooled.close()

    def now(self) -> datetime:
        """Return the database's time, UTC."""
        if self.is_sqlite:
            return host_now()
        with self.reading() as connection:
            return database_now(connection)

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self.engine.dispose()


def open_database(url: str, *, synchronous: str = "FULL", pre_ping: bool = False) -> Database:
    """Make the engine for a database URL; nothing is connected yet."""
    return Database(create_engine(url, synchronous=synchronous, pre_ping=pre_ping), url)


def host_now() -> datetime:
    """Return the time of the host that asks, UTC: SQLite has no clock of its own."""
    return datetime.now(UTC)


def database_now(connection: Connection) -> datetime:
    """Return the database's time, UTC, with microseconds."""
    if connection.dialect.name == "sqlite":
        return host_now()
    moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment


def statement_now(connection: Connection) -> ColumnElement[datetime] | datetime:
    """Return the database's time as a part of a statement, so that one statement is enough."""
    is_sqlite = connection.dialect.name == "sqlite"
    return host_now() if is_sqlite else func.clock_timestamp(type_=DateTime(timezone=True))


@contextmanager
def _committed(connection: Connection) -> Iterator[None]:
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        _rollback_quietly(connection)
        raise


def _rollback_quietly(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except (DBAPIError, InterfaceError) as error:
        logger.debug("rollback failed: %s", error, extra={"action": "rollback"})
        connection.invalidate()


@functools.cache
def _raw_cursor() -> Any:
    from psycopg import RawCursor

    return RawCursor
