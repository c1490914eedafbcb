"""Keyset pages: each one begins behind the last row of the one before, however many rows came or went meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, func, literal, select, tuple_, type_coerce

from provider.domain.errors import InvalidCursorError
from provider.domain.log import format_timestamp, parse_timestamp
from provider.ports.reading.paging import COUNT_CAP, MAX_LIMIT, Count
from provider.store.types import UtcTimestamp

FORWARD, BACK = "n", "p"


@dataclass(frozen=True, slots=True)
class RowOrder:
    """The order of a list: columns that together name one row. `name` tells its cursors from those of other lists."""

    name: str
    keys: Mapping[str, ColumnElement[Any]]
    descending: bool = True
    is_chosen_from: bool = False
    """Whether most rows may be passed over. SQLite would look up each one along the index of the order, and reading
    all in their own order and putting the chosen ones in order costs it a tenth of that. PostgreSQL knows by itself."""

    def columns(self, dialect: str) -> list[ColumnElement[Any]]:
        """Return the keys to compare and to order by."""
        if dialect != "sqlite" or not self.is_chosen_from:
            return list(self.keys.values())
        return [type_coerce(func.coalesce(key, key), key.type) for key in self.keys.values()]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one page in the order of the list, and the ways on."""

    rows: Sequence[Mapping[Any, Any]]
    next: str | None
    previous: str | None


def read_rows(
    connection: Connection,
    statement: Select[Any],
    order: RowOrder,
    cursor: str | None,
    limit: int,
    complete: Callable[[Subquery], Select[Any]] | None = None,
) -> Rows:
    """Read one page of a statement, whose rows carry the keys under their names.

    `complete` turns the rows of the page into all that is shown of them: for lists that are put in order by few columns
    and show many.
    """
    limit = bounded(limit)
    way, after = decode_cursor(order.name, cursor) if cursor is not None else (FORWARD, None)
    is_falling = order.descending == (way == FORWARD)
    keys = order.columns(connection.dialect.name)
    if after is not None:
        place = tuple_(*_bound(order, after))
        statement = statement.where(tuple_(*keys) < place if is_falling else tuple_(*keys) > place)
    ordered = statement.order_by(*_ordered(keys, is_falling)).limit(limit + 1)
    if complete is not None:
        page = ordered.subquery("page")
        ordered = complete(page).order_by(*_ordered([page.c[name] for name in order.keys], is_falling))
    return _laid_out(connection.execute(ordered).mappings().all(), order, way, cursor, limit)


def _ordered(keys: Sequence[ColumnElement[Any]], is_falling: bool) -> Iterator[ColumnElement[Any]]:
    return (key.desc() if is_falling else key.asc() for key in keys)


def _laid_out(found: Sequence[Mapping[Any, Any]], order: RowOrder, way: str, cursor: str | None, limit: int) -> Rows:
    """Put rows in the order of the list, with the ways on from both ends."""
    has_more, page = len(found) > limit, list(found[:limit])
    if way == BACK:
        page.reverse()
    if not page:
        return Rows((), None, None)
    goes_on, goes_back = (has_more, cursor is not None) if way == FORWARD else (True, has_more)
    return Rows(
        page,
        _cursor_at(order, FORWARD, page[-1]) if goes_on else None,
        _cursor_at(order, BACK, page[0]) if goes_back else None,
    )


def count_rows(connection: Connection, statement: Select[Any], cap: int = COUNT_CAP) -> Count:
    """Count the rows of a statement, no further than just above the cap."""
    some = statement.with_only_columns(literal(1)).order_by(None).limit(cap + 1).subquery()
    found = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
    return Count(min(found, cap), found > cap)


def bounded(limit: int) -> int:
    """Cut a limit to what is allowed."""
    return max(1, min(limit, MAX_LIMIT))


def encode_cursor(name: str, way: str, place: Sequence[str | int]) -> str:
    """Write a place in a list as opaque text."""
    text = json.dumps([name, way, *place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(name: str, cursor: str) -> tuple[str, list[Any]]:
    """Read a cursor of this list; raise `InvalidCursorError` for any other text."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
        found = json.loads(text)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _refused() from error
    if not isinstance(found, list) or found[:1] != [name] or len(found) < 3 or found[1] not in (FORWARD, BACK):
        raise _refused()
    return found[1], found[2:]


def _refused() -> InvalidCursorError:
    return InvalidCursorError("cursor: not one of this list; ask for its first page again, without a cursor")


def _cursor_at(order: RowOrder, way: str, row: Mapping[Any, Any]) -> str:
    def plain(name: str, column: ColumnElement[Any]) -> str | int:
        return format_timestamp(row[name]) if isinstance(column.type, UtcTimestamp) else row[name]

    return encode_cursor(order.name, way, [plain(*key) for key in order.keys.items()])


def _bound(order: RowOrder, place: list[Any]) -> list[ColumnElement[Any]]:
    """Bind a cursor's values as the columns' types; a value of another type is no cursor of ours."""
    if len(place) != len(order.keys):
        raise _refused()
    try:
        return [_bind(column, value) for column, value in zip(order.keys.values(), place, strict=True)]
    except (ValueError, TypeError) as error:
        raise _refused() from error


def _bind(column: ColumnElement[Any], value: Any) -> ColumnElement[Any]:
    if isinstance(column.type, UtcTimestamp):
        return literal(parse_timestamp(value), column.type)
    wanted = column.type.python_type
    if type(value) is not wanted or "\0" in str(value) or (wanted is int and abs(value) >= 2**63):
        raise TypeError(f"{value!r} is no {wanted.__name__}")
    return literal(value, column.type)
