"""Long series in pieces that one statement takes: databases bound the number of its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

CHUNK = 500


def chunked(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield lists of up to `CHUNK` items, in order, reading no further than each needs."""
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
