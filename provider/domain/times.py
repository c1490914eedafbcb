"""Times as people write them: a moment, an age that is counted back from now, or a position of the log.

The same wherever one is asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)(?P<unit>s|m|min|h|d|w)")

_LONGEST_POSITION = 18

AsOf = datetime | timedelta | int
"""When to look at the ledger: at a moment, an age ago, or at a position of the log."""


def parse_as_of(text: str) -> AsOf:
    """Read a position (digits alone), else a time; raise ValueError as `parse_time` does."""
    is_position = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_POSITION
    return int(text) if is_position else parse_time(text)


def parse_time(text: str) -> datetime | timedelta:
    """Read an age (`90s`, `15m`, `1.5h`, `7d`, `2w`) or an ISO 8601 moment, without a zone one of UTC.

    Raise ValueError for what is neither, or lies outside the calendar.
    """
    age = _AGE.fullmatch(text)
    try:
        if age is not None:
            return timedelta(**{_UNITS[age["unit"]]: float(age["number"])})
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time") from None


def parse_moment(text: str, now: datetime) -> datetime:
    """Read a moment, or one that lies an age before now. Raise ValueError as `parse_time` does."""
    time = parse_time(text)
    try:
        return now - time if isinstance(time, timedelta) else time
    except OverflowError:
        raise ValueError(f"{text!r} is before all time") from None
