"""Durations, sizes and times in words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def format_duration(seconds: float) -> str:
    """Write a duration with two units at most: `80 ms`, `3.2 s`, `5 min 3 s`, `2 d 4 h`; a negative one as 0."""
    if seconds < 0.9995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in _STEPS:
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def format_age(moment: datetime | None, now: datetime) -> str:
    """Write how long ago something was, with one unit: `3s`, `5m`, `2h`, `4d`; `-` for never."""
    if moment is None:
        return "-"
    seconds = int(max(0.0, (now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def format_moment(moment: datetime | None, *, digits: int = 0) -> str:
    """Write a time in UTC: `2026-07-30 12:00:01Z`, with up to six decimals of the second; `-` for never."""
    if moment is None:
        return "-"
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{utc:%Y-%m-%d %H:%M:%S}{fraction}Z"


def format_size(size: int) -> str:
    """Write a size in binary units: `512 MiB`, `1.5 GiB`."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"
