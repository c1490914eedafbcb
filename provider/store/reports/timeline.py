"""What happened when and where: counted per row and bucket, with a bounded number of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Subquery, Text, case, cast, func, null, select

from provider.reports.timeline import Kind, RowBy, TimelineReading, TimelineRow
from provider.store.reports import facts
from provider.store.reports.marks import read_marks
from provider.store.reports.reading import Reading
from provider.store.tables import generations

_ROW: dict[RowBy, ColumnElement[Any]] = {
    "host": func.coalesce(generations.c.host, ""),
    "image": generations.c.image,
    "worker": func.coalesce(generations.c.worker_id, ""),
}


class SqlTimelineQueries:
    """Reads what happened when and where. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._reading = Reading(engine, url)

    def read_timeline(
        self, by: RowBy, since: datetime, *, bucket_seconds: int, bucket_count: int, max_rows: int, max_marks: int
    ) -> TimelineReading:
        """Count what happened per row and bucket from `since` on; all of it sees one moment."""
        until = since + timedelta(seconds=bucket_seconds * bucket_count)

        def read(connection: Connection) -> TimelineReading:
            part = facts.facts(since, until, (_ROW[by].label("row_key"),))
            keys, row_count = _busiest(connection, part, max_rows)
            cells = _cells(connection, part, keys, int(since.timestamp()) // bucket_seconds, bucket_seconds)
            shown, left_out = read_marks(connection, since, until, max_marks)
            order: list[str | None] = [*keys, None] if row_count > len(keys) else [*keys]
            return TimelineReading(
                by=by, since=since, until=until, bucket_seconds=bucket_seconds, bucket_count=bucket_count,
                rows=tuple(_row(key, cells[key]) for key in order), rows_left_out=row_count - len(keys),
                marks=shown, marks_left_out=left_out,
            )  # fmt: skip

        return self._reading.at_one_moment(read)


def _busiest(connection: Connection, part: Subquery, limit: int) -> tuple[list[str], int]:
    """Find the rows with the most unexpected ends, then with the most of all, and how many rows there are."""
    unexpected = func.sum(case((part.c.kind == facts.UNEXPECTED_END, 1), else_=0))
    statement = (
        select(part.c.row_key, func.count().over().label("row_count"))
        .group_by(part.c.row_key)
        .order_by(unexpected.desc(), func.count().desc(), part.c.row_key)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    return [row.row_key for row in rows], rows[0].row_count if rows else 0


def _cells(
    connection: Connection, part: Subquery, keys: Sequence[str], first: int, seconds: int
) -> dict[str | None, dict[int, dict[Kind, int]]]:
    """Count per row, bucket and kind; all rows but those of `keys` are counted together as None."""
    key = case((part.c.row_key.in_(keys), part.c.row_key), else_=cast(null(), Text)).label("shown_key")
    number = facts.bucket_number(connection.dialect.name, part.c.at, seconds).label("number")
    statement = select(key, number, part.c.kind, func.count().label("cases")).group_by(key, number, part.c.kind)
    cells: dict[str | None, dict[int, dict[Kind, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in connection.execute(statement):
        cells[row.shown_key][row.number - first][row.kind] = row.cases
    return cells


def _row(key: str | None, buckets: dict[int, dict[Kind, int]]) -> TimelineRow:
    totals: dict[Kind, int] = defaultdict(int)
    for counts in buckets.values():
        for kind, count in counts.items():
            totals[kind] += count
    return TimelineRow(
        key=key, totals=dict(totals), buckets={number: dict(buckets[number]) for number in sorted(buckets)}
    )  # fmt: skip
