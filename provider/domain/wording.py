"""Counts in words."""

from __future__ import annotations


def count_of(number: int, one: str, many: str = "") -> str:
    """Count in words: `1 end`, `37 ends`, `10,000 ends`, `2 copies`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
