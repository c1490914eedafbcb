"""Lanes of time: marks merged with their number, each leading to what it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from provider.ports.reading.timeline import Kind, TimelineReading, TimelineRow
from web.presentation.lanes import draw_lanes, name_row

SINCE = datetime(2026, 3, 28, 13, 0, tzinfo=UTC)


def reading(*rows: TimelineRow, count: int = 60, seconds: int = 60) -> TimelineReading:
    return TimelineReading(
        by="host", since=SINCE, until=SINCE + timedelta(seconds=count * seconds), bucket_seconds=seconds,
        bucket_count=count, rows=rows, rows_left_out=0, marks=(), marks_left_out=0,
    )  # fmt: skip


def row(key: str | None, buckets: Mapping[int, Mapping[Kind, int]]) -> TimelineRow:
    totals: dict[Kind, int] = {}
    for kinds in buckets.values():
        for kind, number in kinds.items():
            totals[kind] = totals.get(kind, 0) + number
    return TimelineRow(key=key, totals=totals, buckets=buckets)


def link(key: str | None, kind: Kind, since: datetime, until: datetime) -> str:
    return f"{key} {kind} {since:%H:%M}-{until:%H:%M}"


def test_neighbours_of_one_kind_are_one_mark_with_their_number() -> None:
    drawn = draw_lanes(reading(row("a", {0: {"unexpected_end": 49}, 2: {"unexpected_end": 1}, 59: {"start": 1}})), link)
    first, last = drawn.lanes[0].marks
    assert (first.count, first.text, first.url) == (50, "\u00d750", "a unexpected_end 13:00-13:03")
    assert (last.count, last.text, last.url) == (1, "", "a start 13:57-14:00")
    assert drawn.piece_seconds == 180


def test_kinds_stand_on_lines_of_their_own() -> None:
    kinds: dict[Kind, int] = {"unexpected_end": 1, "start_failure": 1, "expected_end": 1, "start": 1}
    marks = draw_lanes(reading(row("a", {0: kinds})), link).lanes[0].marks
    assert len({mark.y for mark in marks}) == 4
    assert len({mark.x for mark in marks}) == 1


def test_failed_starts_count_as_unexpected() -> None:
    lane = draw_lanes(reading(row("a", {0: {"unexpected_end": 2, "start_failure": 3, "expected_end": 4}})), link).lanes[
        0
    ]
    assert (lane.unexpected, lane.expected, lane.starts) == (5, 4, 0)


def test_few_buckets_are_not_merged() -> None:
    assert draw_lanes(reading(row("a", {}), count=24, seconds=300), link).piece_seconds == 300


def test_large_numbers_get_more_room() -> None:
    assert draw_lanes(reading(row("a", {0: {"start": 100}})), link).piece_seconds == 240
    assert draw_lanes(reading(row("a", {0: {"start": 1_000}})), link).piece_seconds == 300
    assert draw_lanes(reading(row("a", {0: {"start": 10_000}})), link).piece_seconds == 480


def test_rows_without_a_name_are_named() -> None:
    assert name_row(None) == "all others"
    assert name_row("") == "none on record"
    title = draw_lanes(reading(row(None, {1: {"start": 2}})), link).lanes[0].marks[0].title
    assert title == "all others, 13:00:00 to 13:03:00 UTC: 2 starts"
