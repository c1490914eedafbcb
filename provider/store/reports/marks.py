"""What is worth a mark on a strip of time: sweeps that did something or failed, lost workers, operators' actions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Select, Text, case, cast, func, literal, null, or_, select, union_all

from provider.ports.reading.fleet import Mark
from provider.store.tables import events, sweeps, workers
from provider.store.types import text_in

REQUESTED = "OperatorActionRequested"


def read_marks(connection: Connection, since: datetime, until: datetime, limit: int) -> tuple[tuple[Mark, ...], int]:
    """Read the newest marks of a time range, the oldest first, and count those left out."""
    parts = (_sweeps(since, until), _workers(since, until), _actions(connection.dialect.name, since, until))
    found = union_all(*parts).subquery("marks")
    counted = select(found, func.count().over().label("total")).order_by(found.c.at.desc(), found.c.subject)
    rows = connection.execute(counted.limit(limit)).mappings().all()
    marks = tuple(
        Mark(
            **{
                **{name: row[name] for name in ("at", "kind", "label", "subject", "position")},
                "failed": row["failed"] == 1,
            }
        )
        for row in reversed(rows)
    )
    return marks, (rows[0]["total"] - len(rows)) if rows else 0


def _columns(**named: Any) -> Select[Any]:
    return select(*(column.label(name) for name, column in named.items()))


def _sweeps(since: datetime, until: datetime) -> Select[Any]:
    s = sweeps.c
    failed = or_(s.error.is_not(None), s.failures > 0)
    label = cast(s.actions, Text) + literal(" actions")
    return _columns(
        at=s.started_at, kind=literal("sweep"), label=label, subject=s.sweep_id, position=cast(null(), Integer),
        failed=case((failed, 1), else_=0),
    ).where(s.started_at >= since, s.started_at < until, or_(s.actions > 0, failed))  # fmt: skip


def _workers(since: datetime, until: datetime) -> Select[Any]:
    w = workers.c
    return _columns(
        at=w.ended_at, kind=literal("worker_lost"), label=literal("lost"), subject=w.worker_id,
        position=cast(null(), Integer), failed=literal(1),
    ).where(w.ended_as == "lost", w.ended_at >= since, w.ended_at < until)  # fmt: skip


def _actions(dialect: str, since: datetime, until: datetime) -> Select[Any]:
    return _columns(
        at=events.c.recorded_at, kind=literal("operator_action"), label=text_in(dialect, events.c.data, "action"),
        subject=text_in(dialect, events.c.data, "target"),
        position=events.c.position, failed=literal(0),
    ).where(events.c.type == REQUESTED, events.c.recorded_at >= since, events.c.recorded_at < until)  # fmt: skip
