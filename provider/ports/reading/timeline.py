"""What happened when and where: rows of time with merged counts, to see what goes together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.ports.reading.fleet import Mark

RowBy = Literal["host", "image", "worker"]
Kind = Literal["start", "start_failure", "unexpected_end", "expected_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One host, image or worker. `buckets` holds for each number of a bucket with something in it the count per kind.

    `key` is None for the row that all beyond the limit share, and "" for what has no host or worker.
    """

    key: str | None
    totals: Mapping[Kind, int]
    buckets: Mapping[int, Mapping[Kind, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineReading:
    """A time range divided into `bucket_count` buckets of `bucket_seconds`; the first one begins at `since`.

    `rows` come with the most unexpected ends first. `marks` belong to no row: sweeps, lost workers and operator
    actions, the newest ones where there are more than fit (`marks_left_out` of them do not).
    """

    by: RowBy
    since: datetime
    until: datetime
    bucket_seconds: int
    bucket_count: int
    rows: tuple[TimelineRow, ...]
    rows_left_out: int
    marks: tuple[Mark, ...]
    marks_left_out: int
