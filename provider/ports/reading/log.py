"""The raw log: what to look for in it, and what was found within a bounded search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provider.domain.log import RecordedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted; what is empty or None chooses nothing out.

    `after` and `until` bound by position and time (`since` included, `until` not, `after` not included).
    """

    types: frozenset[str] = frozenset()
    stream: str | None = None
    actor: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events in the order of the question, each one checked, and how far the search went.

    A rare filter would read the whole log: a search stops after a while. `is_complete` is False then, `searched_to`
    is the position it came to (`searched_at` that event's time), and the cursor in the direction of the search goes on
    from there, however little was found.
    """

    items: tuple[RecordedEvent, ...]
    next: str | None = None
    previous: str | None = None
    is_complete: bool = True
    searched_to: int | None = None
    searched_at: datetime | None = None
