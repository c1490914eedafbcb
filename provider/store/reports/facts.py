"""What happened to containers, as rows of one kind: became ready, failed to start, ended as wanted or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    null,
    select,
    union_all,
)

from provider.store.tables import generations

START, START_FAILURE = "start", "start_failure"
UNEXPECTED_END, EXPECTED_END = "unexpected_end", "expected_end"

g = generations.c
_earlier = generations.alias("earlier")

DIED = g.died_at.is_not(None)
FAILED_TO_START = and_(g.died_at.is_(None), g.end_reason.is_(None))
"""Of those that ended: it was never in use, or given up before."""
IS_RESTART = and_(
    g.generation > 1,
    exists().where(
        _earlier.c.sandbox_id == g.sandbox_id, _earlier.c.generation < g.generation, _earlier.c.ready_at.is_not(None)
    ),
)


def facts(since: datetime, until: datetime, extra: Sequence[ColumnElement[Any]] = ()) -> Subquery:
    """Give one row per thing that happened from `since` on and before `until`: `kind`, `at`, `reason`, `is_restart`.

    `extra` are columns of `generations` to carry along. Each of the three parts goes along one index over its times.
    """
    ready = _part(literal(START), g.ready_at, null(), case((IS_RESTART, 1), else_=0), extra)
    died = _part(literal(UNEXPECTED_END), g.died_at, g.end_reason, literal(0), extra)
    kind = case((FAILED_TO_START, START_FAILURE), (g.expected, EXPECTED_END), else_=UNEXPECTED_END)
    ended = _part(kind, g.ended_at, g.end_reason, literal(0), extra).where(g.died_at.is_(None))
    between = ((part, at) for part, at in ((ready, g.ready_at), (died, g.died_at), (ended, g.ended_at)))
    return union_all(*(part.where(at >= since, at < until) for part, at in between)).subquery("facts")


def _part(
    kind: ColumnElement[Any],
    at: ColumnElement[Any],
    reason: ColumnElement[Any],
    is_restart: ColumnElement[Any],
    extra: Sequence[ColumnElement[Any]],
) -> Select[Any]:
    named = (kind.label("kind"), at.label("at"), cast(reason, Text).label("reason"), is_restart.label("is_restart"))
    return select(*named, *extra)


def bucket_number(dialect: str, at: ColumnElement[Any], seconds: int) -> ColumnElement[int]:
    """Give the number of the bucket that a time lies in: whole seconds since 1970, divided."""
    if dialect == "sqlite":
        return cast(func.strftime("%s", at), Integer).op("/", return_type=Integer())(literal(seconds, Integer()))
    return cast(func.floor(extract("epoch", at) / seconds), Integer)
