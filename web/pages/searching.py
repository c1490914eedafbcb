"""What a list was asked for: the words of its search field, and links that narrow or widen them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from provider.domain.errors import InvalidSearchError
from provider.domain.search import KEYS, Search, format_search, parse_search
from provider.ports.reading.paging import Count
from provider.ports.reading.paging import Page as Listed
from web.presentation.address import Address
from web.presentation.moments import SPANS

Item = TypeVar("Item")

SANDBOX_KEYS = ("status", "user", "thread", "image", "host", "worker", "backend", "reason", "since", "until")
"""What a list of sandboxes can be searched for."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A link that sets one term of the search; the current one takes it out again."""

    text: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A search as it was written; with an `error` it could not be read, and finds nothing."""

    here: Address
    text: str
    search: Search
    error: str | None = None

    def link(self, **changes: object) -> str:
        """Return the address of the same list with some terms changed, from its beginning."""
        # A new time is given as text; the moment that the old text stood for goes with it.
        times = {name.removesuffix("_text"): None for name in changes if name.endswith("_text")}
        changed = replace(self.search, **times, **changes)  # type: ignore[arg-type]
        return str(self.here.drop("cursor").put(q=format_search(changed)))

    def chips(self, key: str, values: Iterable[str]) -> tuple[Chip, ...]:
        """Offer the values of a key one by one."""
        current = getattr(self.search, key)
        return tuple(
            Chip(value, self.link(**{key: () if current == (value,) else (value,)}), value in current)
            for value in values
        )

    def since_chips(self) -> tuple[Chip, ...]:
        """Offer time ranges up to now."""
        current = self.search.since_text
        return tuple(
            Chip(span, self.link(since_text=None if span == current else span, until_text=None), span == current)
            for span in SPANS
        )

    def flag_chips(self, key: str, names: tuple[str, str]) -> tuple[Chip, ...]:
        """Offer yes and no under other names."""
        current = getattr(self.search, key)
        return tuple(
            Chip(name, self.link(**{key: None if current is value else value}), current is value)
            for name, value in zip(names, (True, False), strict=True)
        )


def ask(here: Address, now: datetime, keys: tuple[str, ...] = KEYS) -> Question:
    """Read the search of a list out of its address."""
    text = here.get("q")
    try:
        return Question(here, text, parse_search(text, now, keys=keys))
    except InvalidSearchError as error:
        return Question(here, text, Search(), str(error))


class ListPage(Protocol[Item]):
    """Lists what matches, page by page."""

    def __call__(self, search: Search, *, cursor: str | None) -> Listed[Item]:
        """Read the page at the cursor, the first one without it."""


def answer(
    question: Question, list_page: ListPage[Item], count: Callable[[Search], Count]
) -> tuple[Listed[Item], Count]:
    """Read one page of what matches and how many do, which a first page without a next one tells by itself."""
    if question.error:
        return Listed(items=()), Count(0)
    cursor = question.here.get("cursor") or None
    listed = list_page(question.search, cursor=cursor)
    is_all = cursor is None and listed.next is None
    return listed, Count(len(listed.items)) if is_all else count(question.search)
