"""A log from bundles into an empty ledger, in one transaction: all of it with its projections, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from provider.domain.bundles import BundleHeader
from provider.domain.chain import AlienContentError, StoredEvent, moment_of, read_event
from provider.domain.errors import BundleError, LedgerNotEmpty
from provider.domain.events import Event, WorkerLost, WorkerStarted, WorkerStopped
from provider.domain.log import ChainPoint, RecordedEvent
from provider.store.engine import translated, write_transaction
from provider.store.event_store import SqlEventStore
from provider.store.fold import FOLDED, Fold, Progress
from provider.store.rebuild import insert_rows
from provider.store.tables import archives, events, ledger_head, streams, workers

CHUNK = 500
_LOCKED = ("ledger_head", "archives", "streams", "events", "sandboxes", "generations", "workers")


class Restoration:
    """Takes events in order; the projections are folded on the way. To be used within `restoring`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fold = Fold()
        self._workers: dict[str, dict[str, Any]] = {}
        self._last: RecordedEvent | None = None
        self._before = ChainPoint(0, "0" * 64)

    @property
    def point(self) -> ChainPoint:
        """The last event taken."""
        return self._before if self._last is None else ChainPoint(self._last.position, self._last.hash)

    def take(self, stored_events: Iterable[StoredEvent], progress: Progress | None = None) -> None:
        """Insert events that a bundle has checked; raise `BundleError` for one that this version cannot read."""
        for chunk in _chunks(stored_events):
            for stored in chunk:
                self._fold_one(stored)
            self._connection.execute(insert(events), [_row(stored) for stored in chunk])
            if progress is not None:
                progress(chunk[-1].position)

    def finish(self, header: BundleHeader) -> int:
        """Write the projections and the head row; return the position of the last event."""
        connection, last = self._connection, self._last
        for table in FOLDED:
            insert_rows(connection, table, self._fold)
        if self._workers:
            connection.execute(insert(workers), list(self._workers.values()))
        head: dict[str, Any] = {"ledger_id": header.ledger_id, "created_at": header.ledger_created_at}
        if last is not None:
            head |= {
                "position": last.position, "hash": last.hash, "previous_hash": self._before.hash,
                "recorded_at": last.recorded_at, "live": self._fold.count_live(),
            }  # fmt: skip
        connection.execute(update(ledger_head).values(head))
        return self.point.position

    def _fold_one(self, stored: StoredEvent) -> None:
        try:
            event = read_event(stored)
        except AlienContentError as error:
            told = f"{error}: it is whole, so a newer version of sandbox-ledger wrote it; install that one"
            raise BundleError(told, position=stored.position) from error
        self._before = self.point
        self._last = RecordedEvent(
            stored.position, stored.stream, stored.version, event, moment_of(stored), stored.actor,
            stored.correlation_id, stored.command_id, stored.hash,
        )  # fmt: skip
        self._fold.take(self._last)
        self._note_worker(event, self._last)

    def _note_worker(self, event: Event, recorded: RecordedEvent) -> None:
        """Rebuild what the log knows of a worker's row: its heartbeats are no history."""
        at = recorded.recorded_at
        if isinstance(event, WorkerStarted):
            self._workers[event.worker_id] = {
                "worker_id": event.worker_id, "host": event.host, "pid": event.pid, "started_at": at,
                "heartbeat_at": at, "ended_at": None, "ended_as": None,
            }  # fmt: skip
        elif isinstance(event, WorkerStopped | WorkerLost) and event.worker_id in self._workers:
            beat = event.last_heartbeat_at if isinstance(event, WorkerLost) else at
            ended_as = "lost" if isinstance(event, WorkerLost) else "stopped"
            self._workers[event.worker_id] |= {"heartbeat_at": beat, "ended_at": at, "ended_as": ended_as}


class SqlRestore:
    """Opens a restoration on one ledger."""

    def __init__(self, store: SqlEventStore) -> None:
        self._store = store

    def run(self, header: BundleHeader, sources: Iterable[Iterable[StoredEvent]], progress: Progress | None) -> int:
        """Import events into an empty ledger in one transaction; return the last position.

        The ledger takes over id and age. Raise `LedgerNotEmpty`, or what the sources raise, with nothing written.
        """
        with translated(self._store.url), write_transaction(self._store.engine) as connection:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(_LOCKED)} IN EXCLUSIVE MODE")
            _require_empty(connection)
            restoration = Restoration(connection)
            for source in sources:
                restoration.take(source, progress)
            return restoration.finish(header)


def _require_empty(connection: Connection) -> None:
    used = [
        name
        for name, table in (("events", events), ("streams", streams), ("archives", archives))
        if connection.execute(select(func.count()).select_from(table)).scalar_one()
    ]
    position = connection.execute(select(ledger_head.c.position)).scalar_one()
    if used or position:
        raise LedgerNotEmpty(
            f"the ledger has {position} events already: a log is imported into an empty ledger only; "
            "make a new database, set database.url to it, and run this again"
        )


def _row(stored: StoredEvent) -> dict[str, Any]:
    return {**stored._asdict(), "recorded_at": moment_of(stored)}


def _chunks(stored_events: Iterable[StoredEvent]) -> Iterator[list[StoredEvent]]:
    iterator = iter(stored_events)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
