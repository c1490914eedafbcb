"""Times and durations in words, beside the exact ones. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provider.domain.times import AsOf, parse_as_of, parse_moment
from provider.reading.wording import format_duration

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
SPANS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


def say_ago(moment: datetime, now: datetime) -> str:
    """Return how long ago something was, with one unit: `now`, `12 s ago`, `3 min ago`, `in 2 h`."""
    seconds = (now - moment).total_seconds()
    whole = int(abs(seconds))
    if whole < 1:
        return "now"
    size, unit = next((size, unit) for size, unit in _STEPS if whole >= size)
    words = f"{whole // size} {unit}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def say_seconds(seconds: float | None) -> str:
    """Return a duration in words; nothing known is `unknown`, never zero."""
    return "unknown" if seconds is None else format_duration(seconds)


def show_clock(moment: datetime, now: datetime) -> str:
    """Show a time of day, and the date too unless it is today's: `14:02:11`, `03-28 14:02:11`."""
    utc, today = moment.astimezone(UTC), now.astimezone(UTC)
    if utc.date() == today.date():
        return f"{utc:%H:%M:%S}"
    return f"{utc:%m-%d %H:%M:%S}" if utc.year == today.year else f"{utc:%Y-%m-%d %H:%M:%S}"


def show_exact(moment: datetime) -> str:
    """Show a time in full: `2026-03-28 14:02:11.123456 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"


def show_machine(moment: datetime) -> str:
    """Show a time as `<time datetime>` and addresses want it: `2026-03-28T14:02:11.123456Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def say_range(since: datetime, until: datetime) -> str:
    """Return a stretch of time in words, with its dates unless it lies within one day."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    if first.date() == last.date():
        return f"{first:%H:%M:%S} to {last:%H:%M:%S} UTC"
    return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def read_moment(text: str, now: datetime) -> datetime | None:
    """Return a time from an address as `parse_moment` does; None for what is none."""
    try:
        return parse_moment(_with_plus(text), now)
    except ValueError:
        return None


def read_as_of(text: str) -> AsOf | None:
    """Read a position or a time from an address as `parse_as_of` does; None for what is neither."""
    try:
        return parse_as_of(_with_plus(text))
    except ValueError:
        return None


def _with_plus(text: str) -> str:
    # A plus sign in an address reads as a blank; no ISO time has one in that place.
    return text.strip().replace(" 00:00", "+00:00")
