"""The change feed: every event exactly once, in order, soon after its commit, across any loss of the connection.

What wakes the feed is only a hint (PostgreSQL `NOTIFY`, a look at SQLite's head row); what it delivers is read from the
log behind the last delivered position. Commit order is position order, so nothing is ever missed.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from provider.domain.log import RecordedEvent
from provider.store.database import Database
from provider.store.log import reader as log_reader
from provider.store.log.append_postgres import CHANNEL

logger = logging.getLogger(__name__)

SQLITE_LOOK_SECONDS = 0.015
POSTGRES_LOOK_SECONDS = 2.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


class _Wakeup(Protocol):
    def wait(self, after: int) -> None:
        """Return when there may be events behind `after`, or when the feed is stopped."""


class SqlFeed:
    """Follows the log of one database. One follower per object; any thread and any handler of signals may `stop` it.

    `error` is None while the database answers, else what it said; the feed reconnects by itself with growing pauses.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_stopped = False
        self._reader, self._writer = os.pipe()
        self.error: str | None = None

    def follow(self, after: int) -> Iterator[Sequence[RecordedEvent]]:
        """Yield batches of events behind `after` until `stop`; the first one at once when there is any.

        An empty batch tells that `error` has come or gone. Raise `CorruptLogError` for an event that was altered.
        """
        # What waits for notifications is the driver itself, whose errors SQLAlchemy does not wrap.
        gaps = (SQLAlchemyError, OSError, self._database.driver_error)
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopped:
            try:
                for batch in self._follow_connected(after):
                    pause, is_back, self.error = FIRST_PAUSE_SECONDS, self.error is not None, None
                    if is_back:
                        yield ()
                    if batch:
                        after = batch[-1].position
                        yield batch
            except gaps as error:
                is_new, self.error = self.error is None, str(self._database.unavailable(error))
                logger.warning("%s", self.error, extra={"action": "feed_gap"})
                if is_new:
                    yield ()
                _poll(pause, self._reader)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def stop(self) -> None:
        """End `follow` soon. Idempotent. Takes no lock: a handler of signals would wait for what it interrupts."""
        if not self._is_stopped:
            self._is_stopped = True
            os.write(self._writer, b"x")

    def __del__(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def _follow_connected(self, after: int) -> Iterator[Sequence[RecordedEvent]]:
        with self._database.engine.connect() as connection, self._wakeup(connection) as wakeup:
            while not self._is_stopped:
                batch = log_reader.log_page(connection, after)
                yield batch
                if batch:
                    after = batch[-1].position
                if len(batch) < log_reader.PAGE:
                    wakeup.wait(after)

    @contextmanager
    def _wakeup(self, connection: Connection) -> Iterator[_Wakeup]:
        if self._database.is_sqlite:
            yield _HeadPoll(connection, self._reader)
            return
        with self._database.engine.connect() as listening:
            listening.exec_driver_sql(f"LISTEN {CHANNEL}")
            try:
                yield _Notifications(listening, self._reader)
            except self._database.driver_error as error:
                listening.invalidate(error)  # tells the pool that its other connections are lost as well
                raise
            finally:
                listening.invalidate()  # a connection that listens must not go back to the pool


class _HeadPoll:
    """Looks at SQLite's head row every few milliseconds on one held connection (a few microseconds a look)."""

    def __init__(self, connection: Connection, stop_fd: int) -> None:
        self._connection = connection
        self._stop_fd = stop_fd

    def wait(self, after: int) -> None:
        while not _poll(SQLITE_LOOK_SECONDS, self._stop_fd):
            position = self._connection.exec_driver_sql("SELECT max(position) FROM ledger_head").scalar_one()
            if position > after:
                return


class _Notifications:
    """Waits for PostgreSQL's notifications, or for the stop byte, and at most until the next safety look."""

    def __init__(self, connection: Connection, stop_fd: int) -> None:
        self._driver: Any = connection.connection.driver_connection
        self._stop_fd = stop_fd

    def wait(self, _after: int) -> None:
        self._drain()
        _poll(POSTGRES_LOOK_SECONDS, self._driver.fileno(), self._stop_fd)
        self._drain()

    def _drain(self) -> None:
        for _ in self._driver.notifies(timeout=0):
            pass


def _poll(seconds: float, *descriptors: int) -> bool:
    """Wait until one of them can be read, which this tells, but not longer."""
    poller = select.poll()  # not select.select, which knows no descriptor above 1023
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
