"""The whole log as raw rows, in pages: lean, for a check that must get through millions of events.

No transaction is held between two pages, so that a long walk keeps no writer of SQLite waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.exc import OperationalError

from provider.domain.chain import ChainCheck, StoredEvent
from provider.domain.findings import Findings
from provider.domain.log import ChainPoint
from provider.store.chunks import chunked
from provider.store.log.chain_base import chain_base
from provider.store.log.raw_rows import RAW_COLUMNS, stored_event
from provider.store.tables import events

PAGE = 5000

_ROWS = select(*RAW_COLUMNS)
_PAGE = _ROWS.where(events.c.position > bindparam("after")).order_by(events.c.position).limit(bindparam("limit"))


def walk(connection: Connection, check: ChainCheck) -> Iterator[int]:
    """Let a check take every event behind its point; yield the position reached after each page."""
    while page := _read_page(connection, check.point.position):
        if page[0].position != check.point.position + 1:
            base = chain_base(connection)
            if base.position > check.point.position:  # the log was archived meanwhile, up to there
                check.skip_to(base)
        for stored in page:
            check.take(stored)
        yield check.point.position
        if len(page) < PAGE:
            return


def hashes_at(connection: Connection, positions: Iterable[int]) -> Mapping[int, str]:
    """Return the stored hashes of these events, as far as they are in the table; the base is known too."""
    wanted = sorted(set(positions))
    base = chain_base(connection)
    found = {base.position: base.hash} if base.position in wanted else {}
    for chunk in chunked(wanted):
        rows = connection.execute(select(events.c.position, events.c.hash).where(events.c.position.in_(chunk)))
        found |= {row.position: row.hash for row in rows}
    return found


def positions_before(connection: Connection, limit: int = 100) -> Sequence[int]:
    """List events that stand where no event can be: at the chain's base or before it.

    The end of an archive that has not left the table yet is in its place: the last archived events, without a gap.
    """
    base = chain_base(connection)
    statement = select(events.c.position).where(events.c.position <= base.position).order_by(events.c.position)
    positions = connection.execute(statement.limit(limit)).scalars().all()
    return positions if positions and not _ends_with(connection, positions[0], base) else []


def _ends_with(connection: Connection, first: int, base: ChainPoint) -> bool:
    """Whether the events from one on are an unbroken chain up to the base."""
    rows = connection.execute(_ROWS.where(events.c.position == first)).all()
    findings = Findings()
    check = ChainCheck(ChainPoint(first, stored_event(rows[0]).hash), findings)
    while check.point.position < base.position and not findings.count:
        page = [stored for stored in _read_page(connection, check.point.position) if stored.position <= base.position]
        if not page:
            return False
        for stored in page:
            check.take(stored)
    return check.point == base and not findings.count


def _read_page(connection: Connection, after: int) -> Sequence[StoredEvent]:
    try:
        return _select_page(connection, after)
    except OperationalError as error:
        if "decode to UTF-8" not in str(error.orig):
            raise
        # SQLite keeps any bytes as text: read them so that the check can tell which event has them.
        driver: Any = connection.connection.dbapi_connection
        usual, driver.text_factory = driver.text_factory, _decode_anything
        try:
            return _select_page(connection, after)
        finally:
            driver.text_factory = usual


def _select_page(connection: Connection, after: int) -> Sequence[StoredEvent]:
    return [stored_event(row) for row in connection.execute(_PAGE, {"after": after, "limit": PAGE}).all()]


def _decode_anything(raw: bytes) -> str:
    """Keep bytes that are no UTF-8 as lone surrogates, which nothing recorded can hold."""
    return raw.decode("utf-8", "surrogateescape")
