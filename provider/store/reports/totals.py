"""Numbers over the whole history: passes over the containers and their indexes, far fewer than there are events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, extract, func, literal_column, select

from provider.domain.events import END_REASONS
from provider.ports.reading.system import Totals
from provider.store.reports import facts
from provider.store.reports.fleet import count_statuses, freshness
from provider.store.tables import generations, sweeps, waiters, workers

g = generations.c


def read_totals(connection: Connection, lease_seconds: float) -> Totals:
    """Count everything there ever was."""
    fresh, head = freshness(connection)
    lapsed = and_(workers.c.ended_at.is_(None), workers.c.heartbeat_at < fresh.now - timedelta(seconds=lease_seconds))
    return Totals(
        freshness=fresh,
        events=fresh.head_position,
        statuses=count_statuses(connection),
        live=head["live"],
        waiting=connection.execute(select(func.count()).select_from(waiters)).scalar_one(),
        restarts=_restarts(connection),
        ends=_ends(connection),
        start_failures=_start_failures(connection),
        awaiting_removal=_awaiting_removal(connection),
        **_containers(connection),
        **_workers(connection, lapsed),
        **_sweeps(connection),
    )


def _containers(connection: Connection) -> dict[str, Any]:
    """Count starts and what was noticed in one pass."""
    noticed = and_(g.died_at.is_not(None), g.finished_at.is_not(None))
    statement = select(
        func.count(g.ready_at).label("starts"),
        func.coalesce(func.sum(g.startup_seconds), 0.0).label("startup_seconds"),
        _sum(1, noticed).label("detections"),
        _sum(_latency(connection.dialect.name), noticed).label("detection_seconds"),
    )
    row = connection.execute(statement).mappings().one()
    return {**row, "detection_seconds": float(row["detection_seconds"])}


def _ends(connection: Connection) -> dict[str, int]:
    counts = select(g.end_reason, func.count()).where(g.end_reason.is_not(None)).group_by(g.end_reason)
    found = {row[0]: row[1] for row in connection.execute(counts)}
    return {reason: found.get(reason, 0) for reason in END_REASONS}


def _start_failures(connection: Connection) -> int:
    statement = select(func.count()).where(g.ended_at.is_not(None), facts.FAILED_TO_START)
    return int(connection.execute(statement).scalar_one())


def _sum(value: Any, which: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((which, value), else_=0)), 0)


def _latency(dialect: str) -> ColumnElement[Any]:
    """Measure from a death to its being noticed, never below 0: the engine's clock may be ahead."""
    if dialect == "sqlite":
        seconds = (func.julianday(g.died_at) - func.julianday(g.finished_at)) * 86400.0
        return func.max(seconds, 0.0)
    return func.greatest(extract("epoch", g.died_at - g.finished_at), literal_column("0"))


def _restarts(connection: Connection) -> int:
    restarted = select(func.count()).where(g.generation > 1, g.ready_at.is_not(None), facts.IS_RESTART)
    return int(connection.execute(restarted).scalar_one())


def _awaiting_removal(connection: Connection) -> int:
    # Counted among the few that are open: as a condition, SQLite would rather go through all that ever ended.
    statement = select(_sum(1, g.ended_at.is_not(None))).where(g.removed_at.is_(None))
    return int(connection.execute(statement).scalar_one())


def _workers(connection: Connection, lapsed: ColumnElement[bool]) -> dict[str, Any]:
    running = workers.c.ended_at.is_(None)
    named = {
        "workers_running": running, "workers_silent": lapsed, "workers_stopped": workers.c.ended_as == "stopped",
        "workers_lost": workers.c.ended_as == "lost",
    }  # fmt: skip
    counts = (_sum(1, which).label(name) for name, which in named.items())
    row = connection.execute(select(*counts)).mappings().one()
    return {name: int(row[name]) for name in named}


def _sweeps(connection: Connection) -> dict[str, Any]:
    counts = select(
        func.count(sweeps.c.finished_at).label("sweeps_finished"),
        func.count(sweeps.c.error).label("sweeps_failed"),
        func.max(sweeps.c.finished_at).label("last_sweep_at"),
    )
    return dict(connection.execute(counts).mappings().one())
