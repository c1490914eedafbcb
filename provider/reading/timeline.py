"""What happened when and where: the time range that was asked for, cut into buckets that people can read."""

from __future__ import annotations

from datetime import datetime, timedelta

from provider.ports.reading.queries import TimelineQueries
from provider.ports.reading.timeline import RowBy, TimelineReading

BUCKET_CHOICES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MOST_BUCKETS = 120
MOST_ROWS = 50
MOST_MARKS = 200
LONGEST = timedelta(days=90)


class Timeline:
    """Answers what went together. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, queries: TimelineQueries) -> None:
        self._queries = queries

    def read(
        self, by: RowBy, since: datetime, until: datetime, *, max_buckets: int = MOST_BUCKETS, max_rows: int = MOST_ROWS
    ) -> TimelineReading:
        """Count what happened per row and bucket; a range longer than `LONGEST` is cut at its beginning.

        Buckets are whole seconds, minutes, hours or days and lie on the clock's marks, so the range grows to them.
        """
        since = max(since, until - LONGEST)
        seconds = choose_bucket_seconds(until - since, min(max_buckets, MOST_BUCKETS))
        first = int(since.timestamp()) // seconds
        last = max(first + 1, -int(-until.timestamp() // seconds))
        return self._queries.read_timeline(
            by,
            datetime.fromtimestamp(first * seconds, since.tzinfo),
            bucket_seconds=seconds,
            bucket_count=last - first,
            max_rows=min(max_rows, MOST_ROWS),
            max_marks=MOST_MARKS,
        )


def choose_bucket_seconds(span: timedelta, max_buckets: int) -> int:
    """Choose the finest bucket of which no more than `max_buckets` (and one for the edges) make up the span."""
    wanted = span.total_seconds() / max(1, max_buckets)
    return next((seconds for seconds in BUCKET_CHOICES if seconds >= wanted), BUCKET_CHOICES[-1])
