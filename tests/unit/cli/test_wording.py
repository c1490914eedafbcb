from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from provider.reading.wording import format_age, format_duration, format_moment, format_size

MOMENT = datetime(2026, 7, 30, 12, 0, 1, 234567, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0 ms"), (0.0804, "80 ms"), (0.9996, "1 s"), (3.21, "3.2 s"), (59.97, "1 min"), (303, "5 min 3 s"),
        (3600, "1 h"), (8100, "2 h 15 min"), (187200, "2 d 4 h"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(-5, "0s"), (59, "59s"), (61, "1m"), (7200, "2h"), (90_000, "1d")])
def test_ages_have_one_unit(seconds: int, words: str) -> None:
    assert format_age(MOMENT, MOMENT + timedelta(seconds=seconds)) == words


def test_moments_are_in_utc() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert format_moment(elsewhere) == "2026-07-30 12:00:01Z"
    assert format_moment(elsewhere, digits=3) == "2026-07-30 12:00:01.234Z"
    assert (format_moment(None), format_age(None, MOMENT)) == ("-", "-")


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1024**3, "1 GiB"), (1536, "1.5 KiB"), (2**61, "2097152 TiB")]
)
def test_sizes_are_binary(size: int, words: str) -> None:
    assert format_size(size) == words
