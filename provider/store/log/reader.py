"""Reading the log. Every event read is checked: its payload, its type, and its link in the hash chain.

Each row comes with the hash of the event before it, so that a single stream can be checked as well as the whole log.
Where a reader comes to the end, the head row and the stream's row tell whether it really is the end. The first event in
the table is linked to the chain's base.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, text

from provider.domain.chain import AlienContentError, compute_link, moment_of
from provider.domain.codec import UnreadableEventError, from_payload
from provider.domain.errors import CorruptLogError
from provider.domain.events import OperatorActionCompleted
from provider.domain.log import ChainPoint, RecordedEvent
from provider.store.log.chain_base import chain_base
from provider.store.log.raw_rows import RAW_COLUMNS, stored_event
from provider.store.tables import events, ledger_head, streams
from provider.store.types import UtcTimestamp

PAGE = 1000

_previous = events.alias("previous")
CHECKED: Select[Any] = select(
    *RAW_COLUMNS,
    func.coalesce(_previous.c.hash, bindparam("base_hash")).label("previous_hash"),
).select_from(events.outerjoin(_previous, _previous.c.position == events.c.position - 1))
"""Events with all that `decode` needs; takes the hash of the chain's base as `base_hash`."""

_STREAM_PAGE = (
    CHECKED.where(
        events.c.stream == bindparam("stream"),
        events.c.version > bindparam("after"),
        events.c.position > bindparam("base"),
    )
    .order_by(events.c.version)
    .limit(bindparam("limit"))
)
_STREAMS_UNTIL = CHECKED.where(
    events.c.stream.in_(bindparam("streams", expanding=True)),
    events.c.position <= bindparam("position"),
    events.c.position > bindparam("base"),
).order_by(events.c.stream, events.c.version)
_LOG_PAGE = CHECKED.where(events.c.position > bindparam("after")).order_by(events.c.position).limit(bindparam("limit"))
_LOG_END = select(
    ledger_head.c.position,
    (func.coalesce(events.c.hash, bindparam("base_hash")) == ledger_head.c.hash).label("is_intact"),
).select_from(ledger_head.outerjoin(events, events.c.position == ledger_head.c.position))
_LAST_BEFORE = text("""
WITH RECURSIVE halves(low, high) AS (
    SELECT CAST(:base AS bigint), position FROM ledger_head
    UNION ALL
    SELECT
        CASE WHEN e.recorded_at < :moment THEN e.position ELSE h.low END,
        CASE WHEN e.recorded_at < :moment THEN h.high ELSE e.position - 1 END
    FROM halves AS h JOIN events AS e ON e.position = (h.low + h.high + 1) / 2
    WHERE h.low < h.high
)
SELECT low FROM halves WHERE low = high
""").bindparams(bindparam("moment", type_=UtcTimestamp()))
"""Halves what is left until one event is left, so that no index on the times is needed."""
_TIME_OF = select(events.c.recorded_at).where(events.c.position == bindparam("position"))
_POSITION_OF = select(events.c.position).where(
    events.c.stream == bindparam("stream"), events.c.version == bindparam("version")
)
_STREAM_END = (
    select(streams.c.version)
    .select_from(
        streams.outerjoin(events, (events.c.stream == streams.c.stream) & (events.c.version == streams.c.version))
    )
    .where(streams.c.stream == bindparam("stream"), events.c.position.is_(None))
)
_BY_COMMAND = CHECKED.where(events.c.command_id == bindparam("command_id"), events.c.position > bindparam("base"))
_COMPLETION = CHECKED.where(
    events.c.stream == bindparam("stream"),
    events.c.version > bindparam("after"),
    events.c.correlation_id == bindparam("correlation_id"),
    events.c.type == OperatorActionCompleted.__name__,
).limit(1)


def stream_page(connection: Connection, stream: str, after: int, limit: int = PAGE) -> list[RecordedEvent]:
    """Read up to `limit` events of one stream; raise `CorruptLogError` for a bad or missing one.

    Versions that were archived are passed over; whether these are all that are missing, only the whole log tells.
    """
    return _behind_base(connection, lambda base: _stream_page(connection, base, stream, after, limit))


def streams_until(connection: Connection, after: Mapping[str, int], position: int) -> Iterator[RecordedEvent]:
    """Read the events of several streams behind a version of each, up to a position, stream by stream in version order.

    Raise `CorruptLogError` for a bad one, or where one is missing before the last one found.
    """
    base = chain_base(connection)
    values = {"streams": list(after), "position": position, "base": base.position, "base_hash": base.hash}
    with connection.execute(_STREAMS_UNTIL, values) as rows:
        for stream, of_stream in groupby(rows, lambda row: row.stream):
            yield from _checked(of_stream, "version", after[stream])


def log_page(connection: Connection, after: int, limit: int = PAGE) -> list[RecordedEvent]:
    """Read up to `limit` events behind a position, or behind the chain's base where that is later.

    Raise `CorruptLogError` for a bad or missing one.
    """
    return _behind_base(connection, lambda base: _log_page(connection, base, after, limit))


def find_time_of(connection: Connection, position: int) -> datetime | None:
    """Return when an event was recorded; None for a position that the table does not have."""
    found: datetime | None = connection.execute(_TIME_OF, {"position": position}).scalar_one_or_none()
    return found


def find_position_before(connection: Connection, moment: datetime) -> int:
    """Return the position of the last event recorded before this moment; positions and times grow together.

    Nothing before the chain's base is found.
    """
    while True:
        base = chain_base(connection).position
        found = connection.execute(_LAST_BEFORE, {"moment": moment, "base": base}).scalar_one_or_none()
        if found is not None:
            return int(found)
        if chain_base(connection).position == base:  # else what was looked at has been archived meanwhile
            raise CorruptLogError(base + 1, "it or an event behind it is missing")


def _behind_base(connection: Connection, read: Callable[[ChainPoint], list[RecordedEvent]]) -> list[RecordedEvent]:
    """Read behind the chain's base, and again when what did not fit was on its way into an archive."""
    while True:
        base = chain_base(connection)
        try:
            return read(base)
        except CorruptLogError:
            if chain_base(connection) == base:
                raise


def _stream_page(connection: Connection, base: ChainPoint, stream: str, after: int, limit: int) -> list[RecordedEvent]:
    values = {"stream": stream, "after": after, "limit": limit, "base_hash": base.hash, "base": base.position}
    rows = connection.execute(_STREAM_PAGE, values).all()
    start = after
    if rows and rows[0].version != after + 1 and base.position and not _has_version(connection, base, stream, after):
        start = rows[0].version - 1
    page = list(_checked(rows, "version", start))
    if len(page) < limit:
        last = connection.execute(_STREAM_END, {"stream": stream}).scalar_one_or_none()
        if last is not None and (page or not base.position):
            found = page[-1].position if page else 0
            raise CorruptLogError(found, f"version {last} of {stream}, which must come after it, is missing")
    return page


def _has_version(connection: Connection, base: ChainPoint, stream: str, version: int) -> bool:
    found = connection.execute(_POSITION_OF, {"stream": stream, "version": version}).scalar_one_or_none()
    return found is not None and found > base.position


def _log_page(connection: Connection, base: ChainPoint, after: int, limit: int) -> list[RecordedEvent]:
    after = max(after, base.position)
    # To the end, before a bad one is found: while a statement is open, SQLite keeps its connection from writing.
    rows = connection.execute(_LOG_PAGE, {"after": after, "limit": limit, "base_hash": base.hash}).all()
    page = list(_checked(rows, "position", after))
    if len(page) < limit:
        head = connection.execute(_LOG_END, {"base_hash": base.hash}).one()
        if not head.is_intact:
            raise CorruptLogError(head.position, "it is not the last event that the head row knows")
    return page


def find_by_command(connection: Connection, command_id: str) -> RecordedEvent | None:
    """Find the event that was recorded under an idempotency key."""
    base = chain_base(connection)
    values = {"command_id": command_id, "base": base.position, "base_hash": base.hash}
    row = connection.execute(_BY_COMMAND, values).one_or_none()
    return decode(row) if row is not None else None


def find_completion(connection: Connection, requested: RecordedEvent) -> RecordedEvent | None:
    """Find the outcome of an operator's request: behind it in its stream, under its correlation id."""
    values = {
        "stream": requested.stream, "after": requested.version, "correlation_id": requested.correlation_id,
        "base_hash": chain_base(connection).hash,
    }  # fmt: skip
    row = connection.execute(_COMPLETION, values).one_or_none()
    return decode(row) if row is not None else None


def _checked(rows: Any, counter: str, after: int) -> Iterator[RecordedEvent]:
    for expected, row in enumerate(rows, after + 1):
        found = getattr(row, counter)
        if found != expected:
            raise CorruptLogError(row.position, f"{counter} {found} follows {expected - 1}: events are missing")
        yield decode(row)


def decode(row: Row[Any]) -> RecordedEvent:
    """Turn a row into an event, checking its payload and its hash."""
    stored = stored_event(row)
    try:
        link, data = compute_link(row.previous_hash, stored)
        recorded_at = moment_of(stored)
    except AlienContentError as error:
        raise CorruptLogError(row.position, str(error)) from error
    if link != row.hash:
        raise CorruptLogError(row.position, "its hash does not match its content and the event before it")
    try:
        event = from_payload(row.type, row.schema_version, data)
    except UnreadableEventError as error:
        advice = "its hash is right, so a newer version of sandbox-ledger wrote it: install that one"
        raise CorruptLogError(row.position, str(error), advice) from error
    return RecordedEvent(
        row.position, row.stream, row.version, event, recorded_at, row.actor, row.correlation_id, row.command_id,
        row.hash,
    )  # fmt: skip
