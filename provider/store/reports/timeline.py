"""What happened when and where: counted per row and bucket, with a bounded number of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, case, func, select

from provider.ports.reading.timeline import Kind, RowBy, TimelineReading, TimelineRow
from provider.store.database import Database
from provider.store.reports import facts
from provider.store.reports.marks import read_marks
from provider.store.tables import generations

_ROW: dict[RowBy, ColumnElement[Any]] = {
    "host": func.coalesce(generations.c.host, ""),
    "image": generations.c.image,
    "worker": func.coalesce(generations.c.worker_id, ""),
}

WIDE = timedelta(days=3)
"""From here on one pass over all containers costs less than looking each one up."""


class SqlTimelineQueries:
    """Reads what happened when and where. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_timeline(
        self, by: RowBy, since: datetime, *, bucket_seconds: int, bucket_count: int, max_rows: int, max_marks: int
    ) -> TimelineReading:
        """Count what happened per row and bucket from `since` on; all of it sees one moment."""
        until = since + timedelta(seconds=bucket_seconds * bucket_count)
        first = int(since.timestamp()) // bucket_seconds

        with self._database.snapshot() as connection:
            part = facts.facts(since, until, (_ROW[by].label("row_key"),), is_wide=until - since >= WIDE)
            statement = _cells(part, facts.bucket_number(connection.dialect.name, part.c.at, bucket_seconds), max_rows)
            rows, row_count = _read_cells(connection.execute(statement).all(), first)
            shown, left_out = read_marks(connection, since, until, max_marks)
            return TimelineReading(
                by=by, since=since, until=until, bucket_seconds=bucket_seconds, bucket_count=bucket_count,
                rows=rows, rows_left_out=max(0, row_count - max_rows), marks=shown, marks_left_out=left_out,
            )  # fmt: skip


def _cells(part: Subquery, number: ColumnElement[int], max_rows: int) -> Select[Any]:
    """Count per row, bucket and kind, in one pass; the rows beyond the busiest ones are counted together.

    The busiest have the most unexpected ends, then the most of all.
    """
    grouped = (part.c.row_key, number.label("number"), part.c.kind)
    cells = select(*grouped, func.count().label("cases")).group_by(*grouped).cte("cells").prefix_with("MATERIALIZED")
    unexpected = func.sum(case((cells.c.kind == facts.UNEXPECTED_END, cells.c.cases), else_=0))
    rank = func.row_number().over(order_by=(unexpected.desc(), func.sum(cells.c.cases).desc(), cells.c.row_key))
    rows = select(cells.c.row_key, rank.label("rank"), func.count().over().label("row_count"))
    ranked = rows.group_by(cells.c.row_key).subquery("ranked")
    shown = case((ranked.c.rank <= max_rows, ranked.c.rank), else_=max_rows + 1).label("place")
    key = func.min(ranked.c.row_key).label("row_key")
    counts = (key, func.sum(cells.c.cases).label("cases"), func.max(ranked.c.row_count).label("row_count"))
    joined = cells.join(ranked, ranked.c.row_key == cells.c.row_key)
    statement = select(shown, (shown > max_rows).label("is_rest"), cells.c.number, cells.c.kind, *counts)
    return statement.select_from(joined).group_by(shown, cells.c.number, cells.c.kind).order_by(shown)


def _read_cells(found: Sequence[Row[Any]], first: int) -> tuple[tuple[TimelineRow, ...], int]:
    places: dict[int, str | None] = {}
    cells: dict[int, dict[int, dict[Kind, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in found:
        places[row.place] = None if row.is_rest else row.row_key
        cells[row.place][row.number - first][row.kind] = int(row.cases)
    rows = tuple(_row(key, cells[place]) for place, key in places.items())
    return rows, found[0].row_count if found else 0


def _row(key: str | None, buckets: dict[int, dict[Kind, int]]) -> TimelineRow:
    totals: dict[Kind, int] = defaultdict(int)
    for counts in buckets.values():
        for kind, count in counts.items():
            totals[kind] += count
    return TimelineRow(
        key=key, totals=dict(totals), buckets={number: dict(buckets[number]) for number in sorted(buckets)}
    )  # fmt: skip
