"""The raw log in both directions, filtered, within a bounded search: no filter reads the whole log at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from provider.domain.errors import InvalidCursorError
from provider.domain.log import RecordedEvent
from provider.ports.reading.log import EventFilter, EventPage
from provider.ports.reading.paging import DEFAULT_LIMIT
from provider.store.database import Database
from provider.store.log import reader as log_reader
from provider.store.log.chain_base import chain_base
from provider.store.reports.paging import BACK, FORWARD, bounded, decode_cursor, encode_cursor
from provider.store.tables import events, ledger_head, streams

BUDGET = 20_000
"""How many events one question looks at, at most."""
NAME = "events"


@dataclass(frozen=True, slots=True)
class FoundEvents:
    """What one search came to: the events in the order of the search, and where it goes on (None: at its end)."""

    items: tuple[RecordedEvent, ...]
    goes_on_at: int | None
    is_cut: bool


class SqlLogQueries:
    """Reads the raw log; every event is checked. Safe from any thread; raises `StoreUnavailable`, `CorruptLogError`."""

    def __init__(self, database: Database, *, budget: int = BUDGET) -> None:
        self._database = database
        self._budget = budget

    def list_events(
        self,
        wanted: EventFilter,
        *,
        newest_first: bool = True,
        cursor: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> EventPage:
        """Read a page of events that are wanted; all of it sees one moment."""
        way, place = _read_cursor(cursor)
        is_falling = newest_first == (way == FORWARD)

        with self._database.snapshot() as connection:
            found = _search(connection, wanted, place, self._budget, bounded(limit), is_falling=is_falling)
            return _page(connection, wanted, found, way, place)


def _search(
    connection: Connection, wanted: EventFilter, place: int | None, budget: int, limit: int, *, is_falling: bool
) -> FoundEvents:
    """Search `budget` events beside a place, in the counting of the log, or of the one stream that is wanted."""
    counter = events.c.position if wanted.stream is None else events.c.version
    low, high = _bounds(connection, wanted)
    if is_falling:
        high = high if place is None else min(high, place - 1)
        end = max(low, high - budget + 1)
    else:
        low = low if place is None else max(low, place + 1)
        end = min(high, low + budget - 1)
    between = counter.between(end, high) if is_falling else counter.between(low, end)
    base = chain_base(connection)
    statement = log_reader.CHECKED.where(between, events.c.position > base.position, *_conditions(connection, wanted))
    ordered = statement.order_by(counter.desc() if is_falling else counter.asc()).limit(limit + 1)
    rows = connection.execute(ordered, {"base_hash": base.hash}).all()
    items = tuple(log_reader.decode(row) for row in rows[:limit])
    if len(rows) > limit:
        return FoundEvents(items, _number(wanted, items[-1]), is_cut=False)
    is_cut = end > low if is_falling else end < high
    return FoundEvents(items, end if is_cut else None, is_cut)


def _bounds(connection: Connection, wanted: EventFilter) -> tuple[int, int]:
    """Find the first and the last number that can be wanted."""
    if wanted.stream is not None:
        last = select(streams.c.version).where(streams.c.stream == wanted.stream)
        return 1, connection.execute(last).scalar_one_or_none() or 0
    low, high = _positions(connection, wanted)
    return low + 1, high


def _positions(connection: Connection, wanted: EventFilter) -> tuple[int, int]:
    """Turn the time range into positions: behind the first one, up to the second."""
    low = max(wanted.after, chain_base(connection).position)
    if wanted.since is not None:
        low = max(low, log_reader.find_position_before(connection, wanted.since))
    if wanted.until is not None:
        return low, log_reader.find_position_before(connection, wanted.until)
    return low, int(connection.execute(select(ledger_head.c.position)).scalar_one())


def _conditions(connection: Connection, wanted: EventFilter) -> Iterator[ColumnElement[Any]]:
    if wanted.types:
        yield events.c.type.in_(sorted(wanted.types))
    for name in ("stream", "actor", "correlation_id"):
        if getattr(wanted, name) is not None:
            yield events.c[name] == getattr(wanted, name)
    if wanted.stream is not None and (wanted.after or wanted.since or wanted.until):
        low, high = _positions(connection, wanted)
        yield events.c.position > low
        yield events.c.position <= high


def _page(connection: Connection, wanted: EventFilter, found: FoundEvents, way: str, place: int | None) -> EventPage:
    """Order what was found as the question has it, with the ways on from both ends."""
    items = found.items if way == FORWARD else found.items[::-1]
    onward = _cursor(way, found.goes_on_at)
    # Where nothing was found, the way back leads to where the search came from.
    came_from = _number(wanted, found.items[0]) if found.items else place
    backward = _cursor(BACK if way == FORWARD else FORWARD, came_from if place is not None else None)
    searched_to, searched_at = _searched(connection, wanted, found)
    return EventPage(
        items=items,
        next=onward if way == FORWARD else backward,
        previous=backward if way == FORWARD else onward,
        is_complete=not found.is_cut,
        searched_to=searched_to,
        searched_at=searched_at,
    )


def _searched(connection: Connection, wanted: EventFilter, found: FoundEvents) -> tuple[int | None, datetime | None]:
    if not found.is_cut:
        return None, None
    at = (
        events.c.position == found.goes_on_at
        if wanted.stream is None
        else (events.c.stream == wanted.stream) & (events.c.version == found.goes_on_at)
    )
    row = connection.execute(select(events.c.position, events.c.recorded_at).where(at)).one()
    return row.position, row.recorded_at


def _number(wanted: EventFilter, recorded: RecordedEvent) -> int:
    return recorded.position if wanted.stream is None else recorded.version


def _cursor(way: str, place: int | None) -> str | None:
    return encode_cursor(NAME, way, [place]) if place is not None else None


def _read_cursor(cursor: str | None) -> tuple[str, int | None]:
    if cursor is None:
        return FORWARD, None
    way, place = decode_cursor(NAME, cursor)
    if len(place) != 1 or type(place[0]) is not int or abs(place[0]) >= 2**62:
        raise InvalidCursorError("cursor: not one of this list; ask for its first page again, without a cursor")
    return way, place[0]
