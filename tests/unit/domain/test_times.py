"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provider.domain.times import parse_as_of, parse_moment, parse_time

NOW = datetime(2026, 3, 28, 14, 2, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("15min", timedelta(minutes=15)),
        ("1.5h", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_an_age_is_counted_back_from_now(text: str, age: timedelta) -> None:
    assert parse_time(text) == age
    assert parse_moment(text, NOW) == NOW - age


def test_a_moment_without_a_zone_is_one_of_utc() -> None:
    ten = datetime(2026, 3, 28, 10, tzinfo=UTC)
    for text in ("2026-03-28T10:00", "2026-03-28 10:00:00Z", "2026-03-28T12:00+02:00"):
        assert parse_time(text) == parse_moment(text, NOW) == ten


@pytest.mark.parametrize(
    "text", ["", "h", "1", "-1h", "1.h", "1y", "\u0661h", "1e9d", "yesterday", "2026-13-01", "0001-01-01T00:00+23:00"]
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time(text)


def test_an_age_older_than_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_time("999999999999d")
    with pytest.raises(ValueError, match="before all time"):
        parse_moment("9999999d", NOW)


@pytest.mark.parametrize(
    ("text", "as_of"),
    [("7", 7), ("20260328", 20260328), ("7d", timedelta(days=7)), ("2026-03-28", datetime(2026, 3, 28, tzinfo=UTC))],
)
def test_digits_alone_are_a_position_and_all_else_is_a_time(text: str, as_of: object) -> None:
    assert parse_as_of(text) == as_of


@pytest.mark.parametrize("text", ["9" * 30, "9" * 5000, "\u0661", "-1", "soon"])
def test_what_is_neither_position_nor_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_as_of(text)
