"""The log as it is stored, for bundles: raw rows in order, each one checked against the one before it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, bindparam, select

from provider.domain.bundles import LinkedEvent
from provider.domain.chain import AlienContentError, StoredEvent, compute_link
from provider.domain.errors import CorruptLogError
from provider.domain.log import ChainPoint
from provider.store.database import Database
from provider.store.log.chain_base import chain_base
from provider.store.log.raw_rows import RAW_COLUMNS, stored_event
from provider.store.log.reader import CHECKED
from provider.store.tables import events

PAGE = 1000

_PAGE = (
    select(*RAW_COLUMNS)
    .where(events.c.position > bindparam("after"), events.c.position <= bindparam("through"))
    .order_by(events.c.position)
    .limit(bindparam("limit"))
)
_CHOSEN = (
    CHECKED.where(
        events.c.stream.in_(bindparam("streams", expanding=True)),
        events.c.position > bindparam("after"),
        events.c.position <= bindparam("through"),
    )
    .order_by(events.c.position)
    .limit(bindparam("limit"))
)


def read_linked(database: Database, after: ChainPoint, through: int, *, page: int = PAGE) -> Iterator[LinkedEvent]:
    """Read the events behind `after` up to a position, a page at a time; no transaction is held between pages.

    Raise `CorruptLogError` for one that is missing or was altered.
    """
    point = after
    while point.position < through:
        with database.reading() as connection:
            rows = _read_page(connection, point, through, page)
        for linked in rows:
            yield linked
            point = ChainPoint(linked.stored.position, linked.stored.hash)


def read_chosen(
    database: Database, streams: Collection[str], after: int, through: int, *, page: int = PAGE
) -> Iterator[LinkedEvent]:
    """Read the events of some streams between two positions, each checked against the hash of the one before it."""
    while after < through:
        with database.reading() as connection:
            values = {"streams": list(streams), "after": after, "through": through, "limit": page}
            rows = connection.execute(_CHOSEN, {**values, "base_hash": chain_base(connection).hash}).all()
        for row in rows:
            stored = stored_event(row)
            _require_link(row.previous_hash, stored)
            yield LinkedEvent(row.previous_hash, stored)
        if len(rows) < page:
            return
        after = rows[-1].position


def _read_page(connection: Connection, point: ChainPoint, through: int, limit: int) -> list[LinkedEvent]:
    values = {"after": point.position, "through": through, "limit": limit}
    rows = [stored_event(row) for row in connection.execute(_PAGE, values)]
    if not rows:
        raise CorruptLogError(point.position + 1, "it is missing")
    page = []
    for stored in rows:
        if stored.position != point.position + 1:
            raise CorruptLogError(stored.position, f"it follows {point.position}: events are missing")
        _require_link(point.hash, stored)
        page.append(LinkedEvent(point.hash, stored))
        point = ChainPoint(stored.position, stored.hash)
    return page


def _require_link(previous_hash: str, stored: StoredEvent) -> None:
    try:
        link, _ = compute_link(previous_hash, stored)
    except AlienContentError as error:
        raise CorruptLogError(stored.position, str(error)) from error
    if link != stored.hash:
        raise CorruptLogError(stored.position, "its hash does not match its content and the event before it")
