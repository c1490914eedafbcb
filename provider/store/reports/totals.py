"""Numbers over the whole history: each is one pass over the containers, of which there are far fewer than events."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, extract, func, literal_column, select

from provider.reports.system import Totals
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
        awaiting_removal=_awaiting_removal(connection),
        **_containers(connection),
        **_workers(connection, lapsed),
        **_sweeps(connection),
    )


def _containers(connection: Connection) -> dict[str, Any]:
    """Count starts and ends in one pass."""
    failed = case((and_(g.ended_at.is_not(None), facts.FAILED_TO_START), 1), else_=0).label("failed")
    noticed = and_(g.died_at.is_not(None), g.finished_at.is_not(None))
    statement = select(
        g.end_reason,
        func.count(g.end_reason).label("ends"),
        func.count(g.ready_at).label("starts"),
        func.sum(failed).label("failures"),
        func.coalesce(func.sum(g.startup_seconds), 0.0).label("startup_seconds"),
        func.coalesce(func.sum(case((noticed, 1), else_=0)), 0).label("detections"),
        func.coalesce(func.sum(case((noticed, _latency(connection.dialect.name)))), 0.0).label("detection_seconds"),
    ).group_by(g.end_reason)
    rows = connection.execute(statement).mappings().all()
    return {
        "starts": sum(row["starts"] for row in rows),
        "start_failures": int(sum(row["failures"] for row in rows)),
        "ends": dict(Counter({row["end_reason"]: row["ends"] for row in rows if row["end_reason"] is not None})),
        "startup_seconds": float(sum(row["startup_seconds"] for row in rows)),
        "detections": int(sum(row["detections"] for row in rows)),
        "detection_seconds": float(sum(row["detection_seconds"] for row in rows)),
    }


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
    statement = select(func.count()).where(g.removed_at.is_(None), g.ended_at.is_not(None))
    return int(connection.execute(statement).scalar_one())


def _workers(connection: Connection, lapsed: ColumnElement[bool]) -> dict[str, Any]:
    running = workers.c.ended_at.is_(None)
    named = {
        "workers_running": running, "workers_silent": lapsed, "workers_stopped": workers.c.ended_as == "stopped",
        "workers_lost": workers.c.ended_as == "lost",
    }  # fmt: skip
    counts = (func.coalesce(func.sum(case((which, 1), else_=0)), 0).label(name) for name, which in named.items())
    row = connection.execute(select(*counts)).mappings().one()
    return {name: int(row[name]) for name in named}


def _sweeps(connection: Connection) -> dict[str, Any]:
    counts = select(
        func.count(sweeps.c.finished_at).label("sweeps_finished"),
        func.count(sweeps.c.error).label("sweeps_failed"),
        func.max(sweeps.c.finished_at).label("last_sweep_at"),
    )
    return dict(connection.execute(counts).mappings().one())
