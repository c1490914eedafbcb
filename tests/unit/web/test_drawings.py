"""Drawings: places on the axis, bars, marks, and the same in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provider.domain.state import Generation
from web.presentation.lifetime import draw_lifetimes
from web.presentation.scale import Scale, percent
from web.presentation.strip import BASE, UP, Ends, StripMark, draw_strip

SINCE = datetime(2026, 3, 28, 13, 0, tzinfo=UTC)
HOUR = Scale(SINCE, SINCE + timedelta(hours=1))
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return SINCE + minutes * MINUTE


def generation(number: int, **values: Any) -> Generation:
    base: dict[str, Any] = {
        "backend": "fake", "image": "image", "cause": "cold", "worker_id": "w", "container_name": f"c-g{number}",
        "creating_at": SINCE,
    }  # fmt: skip
    return Generation(number=number, **{**base, **values})


def test_a_moment_outside_lies_at_the_edge() -> None:
    assert HOUR.x(at(-5)) == "0%"
    assert HOUR.x(at(15)) == "25%"
    assert HOUR.x(at(90)) == "100%"
    assert HOUR.width(at(0), at(1)) == percent(1 / 60) == "1.667%"


def test_a_single_moment_can_be_drawn() -> None:
    assert Scale(SINCE, SINCE).x(SINCE) == "0%"


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(hours=1), ["13:00", "13:15", "13:30", "13:45", "14:00"]),
        (timedelta(minutes=2), ["13:00:00", "13:00:30", "13:01:00", "13:01:30", "13:02:00"]),
        (timedelta(days=7), ["03-30", "04-01", "04-03"]),
    ],
)
def test_ticks_stand_at_round_times(length: timedelta, labels: list[str]) -> None:
    assert [tick.text for tick in Scale(SINCE, SINCE + length).ticks()] == labels


def test_labels_at_the_edges_do_not_stick_out() -> None:
    ticks = HOUR.ticks()
    assert [ticks[0].anchor, ticks[1].anchor, ticks[-1].anchor] == ["start", "middle", "end"]


def test_unexpected_ends_stand_up_and_expected_ones_hang_down() -> None:
    drawn = draw_strip(HOUR, [Ends(at(0), at(1), 4, 2), Ends(at(1), at(2), 1, 0), Ends(at(2), at(3), 0, 0)], [])
    up, down, small = drawn.bars
    assert (up.kind, up.y, up.height) == ("unexpected", BASE - UP, UP)
    assert down.kind == "expected"
    assert down.y > BASE
    assert small.height == 9
    assert drawn.peak == 4
    assert drawn.words == (
        "5 unexpected ends and 2 expected; most of the unexpected ones, 4, from 13:00 to 13:01 UTC; "
        "0 sweeps, 0 worker deaths, 0 operator actions."
    )


def test_a_single_end_among_thousands_can_be_seen() -> None:
    drawn = draw_strip(HOUR, [Ends(at(0), at(1), 5000, 0), Ends(at(1), at(2), 1, 1)], [])
    assert all(bar.height >= 3 for bar in drawn.bars)


def test_marks_at_one_place_are_merged() -> None:
    marks = [
        StripMark(at(3), "worker", "w1 lost"),
        StripMark(at(3.01), "worker", "w2 lost"),
        StripMark(at(30), "worker", "w3 lost"),
    ]
    drawn = draw_strip(HOUR, [], [*marks, StripMark(at(3), "sweep failed", "sweep failed")])
    assert [(one.count, one.title) for one in drawn.marks] == [
        (2, "w1 lost, and 1 more"), (1, "w3 lost"), (1, "sweep failed"),
    ]  # fmt: skip
    assert "1 sweep, 3 worker deaths, 0 operator actions." in drawn.words


def test_nothing_at_all_is_told_too() -> None:
    assert draw_strip(HOUR, [], []).words.startswith("0 unexpected ends and 0 expected")


def test_lifetimes_are_the_newest_first_on_one_axis() -> None:
    first = generation(
        1,
        ready_at=at(1),
        died_at=at(30),
        finished_at=at(29),
        ended_at=at(30),
        end_reason="oom",
        expected=False,
        removed_at=at(31),
    )
    second = generation(2, creating_at=at(40), ready_at=at(41))
    drawn = draw_lifetimes([first, second], at(60))
    assert [bar.number for bar in drawn.bars] == [2, 1]
    new, old = drawn.bars
    assert [one.kind for one in new.segments] == ["starting", "alive"]
    assert new.end is None
    assert [one.kind for one in old.segments] == ["starting", "alive", "leaving"]
    assert old.end is not None
    assert (old.end.kind, old.end.x) == ("cross", HOUR.x(at(29)))
    assert "ended unexpectedly (oom)" in old.words


def test_an_expected_end_is_a_ring() -> None:
    one = generation(1, ready_at=at(1), ended_at=at(5), end_reason="idle", expected=True)
    end = draw_lifetimes([one], at(10)).bars[0].end
    assert end is not None
    assert end.kind == "ring"
    assert "as intended (idle)" in end.title


def test_a_start_that_failed_never_was_alive() -> None:
    one = generation(1, ended_at=at(1), error="start: no image", expected=False)
    bar = draw_lifetimes([one], at(10)).bars[0]
    assert [segment.kind for segment in bar.segments] == ["starting", "leaving"]
    assert bar.end is not None
    assert "start failed" in bar.end.title


def test_a_short_life_is_wide_enough_to_be_seen_and_stays_inside() -> None:
    short = generation(2, creating_at=at(59.99), ready_at=at(59.995))
    long = generation(1, ready_at=at(0), ended_at=at(59), end_reason="idle", expected=True, removed_at=at(59))
    bar = draw_lifetimes([long, short], at(60)).bars[0]
    for segment in bar.segments:
        left, width = float(segment.x.rstrip("%")), float(segment.width.rstrip("%"))
        assert width >= 0.4
        assert left + width <= 100.001


def test_no_generation_no_drawing() -> None:
    assert draw_lifetimes([], SINCE).bars == ()
