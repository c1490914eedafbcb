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
    true,
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

_END_KIND = case(
    (DIED, UNEXPECTED_END), (FAILED_TO_START, START_FAILURE), (g.expected, EXPECTED_END), else_=UNEXPECTED_END
)
What = tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]
"""Kind, time, reason, and whether it is a restart."""


def facts(
    since: datetime, until: datetime, extra: Sequence[ColumnElement[Any]] = (), *, is_wide: bool = False
) -> Subquery:
    """Select one row per thing that happened from `since` on and before `until`: `kind`, `at`, `reason`, `is_restart`.

    `extra` are columns of `generations` to carry along. Each of the two or three parts goes along one index over its
    times; a wide range is read in one pass over all containers instead, where each one may give two rows.
    """
    ready = (literal(START), g.ready_at, null(), case((IS_RESTART, 1), else_=0))
    if is_wide:
        end = (_END_KIND, func.coalesce(g.died_at, g.ended_at), g.end_reason, literal(0))
        return _one_pass(since, until, ready, end, extra)
    died = (literal(UNEXPECTED_END), g.died_at, g.end_reason, literal(0))
    ended = (_END_KIND, g.ended_at, g.end_reason, literal(0))
    parts = [_part(what, extra).where(what[1] >= since, what[1] < until) for what in (ready, died, ended)]
    return union_all(*parts[:2], parts[2].where(g.died_at.is_(None))).subquery("facts")


def _one_pass(
    since: datetime, until: datetime, ready: What, end: What, extra: Sequence[ColumnElement[Any]]
) -> Subquery:
    which = union_all(select(literal(0).label("is_end")), select(literal(1))).subquery("which")
    chosen = tuple(case((which.c.is_end == 1, b), else_=a) for a, b in zip(ready, end, strict=True))
    part = _part(chosen, extra).select_from(generations.join(which, true()))  # type: ignore[arg-type]
    return part.where(chosen[1] >= since, chosen[1] < until).subquery("facts")


def _part(what: What, extra: Sequence[ColumnElement[Any]]) -> Select[Any]:
    kind, at, reason, is_restart = what
    named = (kind.label("kind"), at.label("at"), cast(reason, Text).label("reason"), is_restart.label("is_restart"))
    return select(*named, *extra)


def bucket_number(dialect: str, at: ColumnElement[Any], seconds: int) -> ColumnElement[int]:
    """Compute the number of the bucket that a time lies in: whole seconds since 1970, divided."""
    if dialect == "sqlite":
        return cast(func.strftime("%s", at), Integer).op("/", return_type=Integer())(literal(seconds, Integer()))
    return cast(func.floor(extract("epoch", at) / seconds), Integer)
