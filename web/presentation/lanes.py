"""Lanes of time, one per host, image or worker: what happened in a stretch is one mark with its number. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.domain.wording import count_of
from provider.ports.reading.timeline import Kind, TimelineReading, TimelineRow
from web.presentation.scale import Scale, Tick, percent

PIECES = ((100, 24), (1_000, 16), (10_000, 12))
"""How many marks a lane has room for while every number stays below this."""
FEWEST = 8
ORDER: tuple[Kind, ...] = ("unexpected_end", "start_failure", "expected_end", "start")
NAMES: Mapping[Kind, str] = {
    "unexpected_end": "unexpected end",
    "start_failure": "failed start",
    "expected_end": "expected end",
    "start": "start",
}
LINES: Mapping[Kind, int] = {"unexpected_end": 9, "start_failure": 20, "expected_end": 31, "start": 42}

LinkTo = Callable[[str | None, Kind, datetime, datetime], str]


@dataclass(frozen=True, slots=True)
class LaneMark:
    """Everything of one kind in one stretch of a lane; `text` is its number where there are several."""

    x: str
    y: int
    kind: Kind
    count: int
    text: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One host, image or worker."""

    name: str
    unexpected: int
    expected: int
    starts: int
    marks: tuple[LaneMark, ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """All lanes over their common axis."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    piece_seconds: int


def draw_lanes(reading: TimelineReading, link_to: LinkTo) -> Lanes:
    """Draw what was read; `link_to` gives the address of what one mark stands for."""
    scale = Scale(reading.since, reading.until)
    merged = _choose_merging(reading)
    lanes = tuple(_draw_lane(scale, reading, merged, row, link_to) for row in reading.rows)
    return Lanes(lanes, scale.ticks(7), reading.bucket_seconds * merged)


def name_row(key: str | None) -> str:
    """Name a lane."""
    return "all others" if key is None else key or "none on record"


def _draw_lane(scale: Scale, reading: TimelineReading, merged: int, row: TimelineRow, link_to: LinkTo) -> Lane:
    totals = row.totals
    return Lane(
        name=name_row(row.key),
        unexpected=totals.get("unexpected_end", 0) + totals.get("start_failure", 0),
        expected=totals.get("expected_end", 0),
        starts=totals.get("start", 0),
        marks=tuple(_draw_marks(scale, reading, merged, row, link_to)),
    )


def _draw_marks(
    scale: Scale, reading: TimelineReading, merged: int, row: TimelineRow, link_to: LinkTo
) -> Iterator[LaneMark]:
    counts = _merge(row, merged)
    piece = timedelta(seconds=reading.bucket_seconds * merged)
    for (number, kind), count in sorted(counts.items(), key=lambda item: (item[0][0], ORDER.index(item[0][1]))):
        since = reading.since + number * piece
        until = min(since + piece, reading.until)
        yield LaneMark(
            x=percent(scale.share(since) + (scale.share(until) - scale.share(since)) * 0.2),
            y=LINES[kind],
            kind=kind,
            count=count,
            text=f"\u00d7{count}" if count > 1 else "",
            title=f"{name_row(row.key)}, {since:%H:%M:%S} to {until:%H:%M:%S} UTC: {count_of(count, NAMES[kind])}",
            url=link_to(row.key, kind, since, until),
        )


def _merge(row: TimelineRow, merged: int) -> dict[tuple[int, Kind], int]:
    """Count per kind what lies in so many buckets together."""
    counts: dict[tuple[int, Kind], int] = {}
    for number, kinds in row.buckets.items():
        for kind, count in kinds.items():
            counts[number // merged, kind] = counts.get((number // merged, kind), 0) + count
    return counts


def _choose_merging(reading: TimelineReading) -> int:
    """Choose how many buckets go into one mark, so that each has room for its number."""
    for below, pieces in PIECES:
        merged = max(1, -(-reading.bucket_count // pieces))
        if all(count < below for row in reading.rows for count in _merge(row, merged).values()):
            return merged
    return max(1, -(-reading.bucket_count // FEWEST))
