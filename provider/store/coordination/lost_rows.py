"""Rows that are gone from `workers` and `sweeps` although the log tells of them."""

from __future__ import annotations

from sqlalchemy import Connection, exists, func, or_, select

from provider.domain.events import SweepCompleted, WorkerStarted
from provider.domain.ids import LEDGER_STREAM, worker_stream
from provider.store.database import Database
from provider.store.log.chain_base import chain_base
from provider.store.tables import events, leases, sweeps, workers

_WORKER = worker_stream("")
_STARTED = select(events.c.stream).where(
    events.c.stream.startswith(_WORKER, autoescape=True), events.c.version == 1, events.c.type == WorkerStarted.__name__
)
_COMPLETED = select(events.c.position).where(
    events.c.stream == LEDGER_STREAM, events.c.type == SweepCompleted.__name__
)  # fmt: skip
_OLDEST = select(func.min(sweeps.c.started_at))
_OF_SWEEP = exists().where(
    sweeps.c.started_at <= events.c.recorded_at,
    or_(sweeps.c.finished_at.is_(None), sweeps.c.finished_at >= events.c.recorded_at),
)
_WITHOUT_ROW = _COMPLETED.where(events.c.recorded_at >= _OLDEST.scalar_subquery(), ~_OF_SWEEP).order_by(
    events.c.position
)


def find_lost_rows(database: Database) -> list[str]:
    """Describe every row of `workers` and `sweeps` that the log tells of and that is not there.

    Sweeps that are older than the oldest row may have been forgotten in order, and a ledger that was imported never had
    the rows of its sweeps.
    """
    with database.snapshot() as connection:
        base = chain_base(connection).position
        return [*_lost_workers(connection, base), *_lost_sweeps(connection, base)]


def _lost_workers(connection: Connection, base: int) -> list[str]:
    known = set(connection.execute(select(workers.c.worker_id)).scalars())
    started = connection.execute(_STARTED.where(events.c.position > base)).scalars()
    lost = sorted({stream.removeprefix(_WORKER) for stream in started} - known)
    return [f"workers {name}: is missing, the log says that it started" for name in lost]


def _lost_sweeps(connection: Connection, base: int) -> list[str]:
    if connection.execute(_OLDEST).scalar_one() is None:
        was_led = connection.execute(select(func.max(leases.c.token))).scalar_one()
        if was_led and connection.execute(_COMPLETED.limit(1)).first() is not None:
            return ["sweeps: has no row, the log tells of sweeps"]
        return []
    positions = connection.execute(_WITHOUT_ROW.where(events.c.position > base)).scalars()
    return [f"sweeps: the row of the sweep that event {position} tells of is missing" for position in positions]
