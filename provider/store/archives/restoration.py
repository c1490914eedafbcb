"""Events into an empty ledger, in order, with the projections folded on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, update

from provider.domain.bundles import BundleHeader
from provider.domain.chain import AlienContentError, StoredEvent, moment_of, read_event
from provider.domain.errors import BundleError
from provider.domain.events import Event, WorkerLost, WorkerStarted, WorkerStopped
from provider.domain.log import GENESIS, ChainPoint, RecordedEvent
from provider.store.chunks import chunked
from provider.store.projections.fold import FOLDED, Fold, Progress
from provider.store.projections.rebuild import insert_rows
from provider.store.tables import events, ledger_head, workers


class Restoration:
    """Takes events in order; the projections are folded on the way. The caller has the transaction."""

    def __init__(self, connection: Connection, fold: Fold, base: ChainPoint = GENESIS) -> None:
        self._connection = connection
        self.fold = fold
        self._workers: dict[str, dict[str, Any]] = {}
        self._last: RecordedEvent | None = None
        self._before = base

    @property
    def point(self) -> ChainPoint:
        """The last event taken."""
        return self._before if self._last is None else ChainPoint(self._last.position, self._last.hash)

    def take(self, stored_events: Iterable[StoredEvent], progress: Progress | None = None) -> None:
        """Insert events that a bundle has checked; raise `BundleError` for one that this version cannot read."""
        for chunk in chunked(stored_events):
            for stored in chunk:
                self._fold_one(stored)
            self._connection.execute(insert(events), [_row(stored) for stored in chunk])
            if progress is not None:
                progress(chunk[-1].position)

    def finish(self, header: BundleHeader) -> int:
        """Write the projections and the head row; return the position of the last event."""
        connection, last = self._connection, self._last
        for table in FOLDED:
            insert_rows(connection, table, self.fold)
        if self._workers:
            connection.execute(insert(workers), list(self._workers.values()))
        head: dict[str, Any] = {"ledger_id": header.ledger_id, "created_at": header.ledger_created_at}
        if last is not None:
            head |= {
                "position": last.position, "hash": last.hash, "previous_hash": self._before.hash,
                "recorded_at": last.recorded_at, "live": self.fold.count_live(),
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
        self.fold.take(self._last)
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


def _row(stored: StoredEvent) -> dict[str, Any]:
    return {**stored._asdict(), "recorded_at": moment_of(stored)}
