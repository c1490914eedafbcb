"""Pages: a bounded piece of a long list, with the way on from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """One page of a list. `next` and `previous` are opaque cursors for the same question; None where the list ends."""

    items: tuple[Item, ...]
    next: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, counted up to a cap."""

    value: int
    is_capped: bool = False

    def __str__(self) -> str:
        return f">{self.value:,}" if self.is_capped else f"{self.value:,}"
