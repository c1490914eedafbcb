"""Times and durations in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from web.presentation.moments import read_moment, say_ago, say_range, say_seconds, show_clock, show_exact, show_machine

NOW = datetime(2026, 3, 28, 14, 2, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"), (0.9, "now"), (1, "1 s ago"), (59.9, "59 s ago"), (60, "1 min ago"), (3_599, "59 min ago"),
        (3_600, "1 h ago"), (86_399, "23 h ago"), (86_400, "1 d ago"), (8_640_000, "100 d ago"), (-7_200, "in 2 h"),
        (-0.5, "now"),
    ],
)  # fmt: skip
def test_an_age_has_one_unit(seconds: float, words: str) -> None:
    assert say_ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_duration_that_nobody_knows_is_not_zero() -> None:
    assert say_seconds(None) == "unknown"
    assert say_seconds(0.0) == "0 ms"


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (NOW, "14:02:11"),
        (NOW - timedelta(days=1), "03-27 14:02:11"),
        (NOW - timedelta(days=100), "2025-12-18 14:02:11"),
        (datetime(2026, 3, 28, 1, 0, tzinfo=timezone(timedelta(hours=2))), "03-27 23:00:00"),
    ],
)
def test_the_date_is_shown_unless_it_is_todays(moment: datetime, shown: str) -> None:
    assert show_clock(moment, NOW) == shown


def test_a_range_within_a_day_needs_no_dates() -> None:
    assert say_range(NOW - timedelta(hours=1), NOW) == "13:02:11 to 14:02:11 UTC"
    assert say_range(NOW - timedelta(days=1), NOW) == "2026-03-27 14:02 to 2026-03-28 14:02 UTC"


def test_exact_times_keep_their_microseconds() -> None:
    assert show_exact(NOW) == "2026-03-28 14:02:11.000005 UTC"
    assert show_machine(NOW) == "2026-03-28T14:02:11.000005Z"
    assert read_moment(show_machine(NOW), NOW) == NOW


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        (" 7d ", NOW - timedelta(days=7)),
        ("2026-03-28T10:00", datetime(2026, 3, 28, 10, tzinfo=UTC)),
        ("2026-03-28 10:00:01Z", datetime(2026, 3, 28, 10, 0, 1, tzinfo=UTC)),
        ("2026-03-28T12:00:00+02:00", datetime(2026, 3, 28, 10, tzinfo=UTC)),
        ("2026-03-28T10:00:00 00:00", datetime(2026, 3, 28, 10, tzinfo=UTC)),
        ("2026-03-28", datetime(2026, 3, 28, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_a_span_or_as_a_moment(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "h", "yesterday", "1y", "-1h", "\u0661h", "99999999999d", "2026-13-01", "0001-01-01T00:00+23:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_moment(text, NOW) is None
