"""Engines: one SQLAlchemy engine per database URL, in driver autocommit, with the settings each database needs.

SQLite: system libraries from 3.7.0 to 3.51.2 can corrupt a WAL database with several writers, so the `pysqlite3` wheel
is used (it bundles its own library); without it the journal mode stays TRUNCATE and a warning says so. SQLite's
busy handler lets readers wait (in TRUNCATE mode every commit shuts them out), but it starves writers under load: the
write lock is taken by `write_lock`, which tries again in short random steps.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError

from provider.store.fork_gate import ForkGate

WAL_SAFE_VERSION = (3, 51, 3)
BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 10_000
IDLE_TRANSACTION_MS = 8_000
"""A process that is stopped inside a transaction loses it before those who wait for its locks give up."""
DEAD_PEER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanished without a word is noticed, instead of being waited for without end."""
_FORKS = ForkGate()


def create_engine(url: str, *, synchronous: str = "FULL", pre_ping: bool = False) -> Engine:
    """Make the engine for a database URL. Nothing is connected yet.

    With `pre_ping` each connection is tried before it is used: for what runs seldom and must not fail because the
    server has restarted since.
    """
    if sqlalchemy.make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, synchronous)
    return _postgres_engine(url, pre_ping)


def sqlite_module() -> ModuleType:
    """Find the SQLite driver: `pysqlite3` where it is installed, else the standard library's."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def wal_is_safe() -> bool:
    """Whether the SQLite library in use may run several writers in WAL mode."""
    version: tuple[int, ...] = sqlite_module().sqlite_version_info
    return version >= WAL_SAFE_VERSION


def begin_immediate(connection: Connection) -> None:
    """Begin a migration's transaction with SQLite's write lock; Alembic ends it."""
    with write_lock(connection.exec_driver_sql):
        pass


@contextmanager
def write_lock(execute: Callable[[str], object]) -> Iterator[None]:
    """Begin a transaction with SQLite's write lock; it ends inside the block, and a fork waits for that."""
    _take_write_lock(execute)
    try:
        yield
    finally:
        _FORKS.leave()


def _take_write_lock(execute: Callable[[str], object]) -> None:
    """Take the lock and pass the gate with it, trying every 0.2 to 2 ms while another writer has the lock."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            _FORKS.enter()
            try:
                execute("BEGIN IMMEDIATE")
                return
            except BaseException as error:
                _FORKS.leave()
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311
    finally:
        execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _is_busy(error: BaseException) -> bool:
    """Whether SQLite refused only because another connection is writing."""
    cause = str(error.orig if isinstance(error, DBAPIError) else error)
    return cause.startswith(("database is locked", "database table is locked"))


@contextmanager
def immediate_transaction(cursor: Any) -> Iterator[None]:
    """Hold SQLite's write lock from the start; commit, or roll back on error."""
    with write_lock(cursor.execute):
        try:
            yield
            cursor.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise


def _sqlite_engine(url: str, synchronous: str) -> Engine:
    _FORKS.install()
    engine = sqlalchemy.create_engine(
        url,
        module=sqlite_module(),
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=16,
        max_overflow=64,
    )

    file = engine.url.database or ""

    @event.listens_for(engine, "do_connect")
    def make_private(*_: object) -> None:
        # SQLite gives the files beside it the mode of this one; it would make it readable for everybody.
        with contextlib.suppress(OSError):  # it is there, or SQLite says what is wrong
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA synchronous = {'NORMAL' if synchronous == 'NORMAL' else 'FULL'}")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _postgres_engine(url: str, pre_ping: bool) -> Engine:
    options = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC "
        f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MS}"
    )
    engine = sqlalchemy.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_SECONDS, **DEAD_PEER},
        pool_size=16,
        max_overflow=64,
        pool_pre_ping=pre_ping,
    )
    _replace_lost_connections(engine)
    return engine


def _replace_lost_connections(engine: Engine) -> None:
    """When one connection is lost (the server restarted), replace the pool's other old ones as they are asked for."""
    lost_at = -math.inf

    @event.listens_for(engine, "connect")
    def note_birth(_connection: object, record: Any) -> None:
        record.info["made_at"] = time.monotonic()

    @event.listens_for(engine, "invalidate")
    def note_loss(_connection: object, _record: object, error: BaseException | None) -> None:
        nonlocal lost_at
        if error is not None and not isinstance(error, DisconnectionError):
            lost_at = time.monotonic()

    @event.listens_for(engine, "checkout")
    def replace_if_old(_connection: object, record: Any, _proxy: object) -> None:
        if record.info["made_at"] <= lost_at:
            raise DisconnectionError
