"""Counts of what happened in three spans of time, and divided into the buckets of a strip."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from provider.domain.verdict import Bucket
from provider.ports.reading.fleet import Tally
from provider.store.reports.facts import EXPECTED_END, START, START_FAILURE, UNEXPECTED_END, bucket_number, facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Where the spans begin: `baseline` up to `current`, `before` up to `current`, `current` up to `until`."""

    baseline: datetime
    before: datetime
    current: datetime
    until: datetime


def read_tallies(connection: Connection, spans: Spans) -> tuple[Tally, Tally, Tally]:
    """Count what happened in the current span, in the one before it, and in the baseline."""
    part = facts(spans.baseline, spans.until)
    period = case((part.c.at >= spans.current, 2), (part.c.at >= spans.before, 1), else_=0).label("period")
    statement = select(
        period, part.c.kind, part.c.reason, func.count().label("cases"), func.sum(part.c.is_restart).label("restarts")
    ).group_by(period, part.c.kind, part.c.reason)
    rows = connection.execute(statement).all()
    return (
        _tally(spans.current, spans.until, [row for row in rows if row.period == 2]),
        _tally(spans.before, spans.current, [row for row in rows if row.period == 1]),
        _tally(spans.baseline, spans.current, [row for row in rows if row.period < 2]),
    )


def read_strip(connection: Connection, since: datetime, count: int, seconds: int) -> tuple[Bucket, ...]:
    """Count what happened in each of `count` buckets from `since` on."""
    part = facts(since, since + timedelta(seconds=count * seconds))
    number = bucket_number(connection.dialect.name, part.c.at, seconds).label("number")
    statement = select(number, part.c.kind, func.count().label("cases")).group_by(number, part.c.kind)
    first = int(since.timestamp()) // seconds
    counts = {(row.number - first, row.kind): row.cases for row in connection.execute(statement)}
    return tuple(
        Bucket(
            start_at=since + timedelta(seconds=place * seconds),
            seconds=seconds,
            starts=counts.get((place, START), 0),
            start_failures=counts.get((place, START_FAILURE), 0),
            unexpected_ends=counts.get((place, UNEXPECTED_END), 0),
            expected_ends=counts.get((place, EXPECTED_END), 0),
        )
        for place in range(count)
    )


def _tally(since: datetime, until: datetime, rows: list[Row[Any]]) -> Tally:
    kinds, reasons = Counter[str](), Counter[str | None]()
    restarts = 0
    for row in rows:
        kinds[row.kind] += row.cases
        restarts += int(row.restarts)
        if row.kind in (UNEXPECTED_END, EXPECTED_END):
            reasons[row.reason] += row.cases
    return Tally(
        since=since,
        until=until,
        starts=kinds[START],
        start_failures=kinds[START_FAILURE],
        restarts=restarts,
        unexpected_ends=kinds[UNEXPECTED_END],
        expected_ends=kinds[EXPECTED_END],
        ends=dict(reasons),
    )
