"""Reading the log. Every event read is checked: its payload, its type, and its link in the hash chain.

Each row comes with the hash of the event before it, so that a single stream can be checked as well as the whole log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, bindparam, cast, func, select

from provider.domain.codec import UnreadableEventError, from_payload
from provider.domain.errors import CorruptLogError
from provider.domain.log import GENESIS_HASH, RecordedEvent, chain_hash, event_body, format_timestamp
from provider.store.tables import events

PAGE = 1000

_previous = events.alias("previous")
_columns = [c for c in events.columns if c.name != "data"]
_base: Select[Any] = select(
    *_columns,
    cast(events.c.data, Text).label("data"),
    func.coalesce(_previous.c.hash, GENESIS_HASH).label("previous_hash"),
).select_from(events.outerjoin(_previous, _previous.c.position == events.c.position - 1))

_STREAM_PAGE = (
    _base.where(events.c.stream == bindparam("stream"), events.c.version > bindparam("after"))
    .order_by(events.c.version)
    .limit(bindparam("limit"))
)
_LOG_PAGE = _base.where(events.c.position > bindparam("after")).order_by(events.c.position).limit(bindparam("limit"))


def stream_page(connection: Connection, stream: str, after_version: int, limit: int = PAGE) -> list[RecordedEvent]:
    """Read up to `limit` events of one stream; raise `CorruptLogError` for a bad or missing one."""
    rows = connection.execute(_STREAM_PAGE, {"stream": stream, "after": after_version, "limit": limit})
    return list(_checked(rows, "version", after_version))


def log_page(connection: Connection, after: int, limit: int = PAGE) -> list[RecordedEvent]:
    """Read up to `limit` events behind a position; raise `CorruptLogError` for a bad or missing one."""
    return list(_checked(connection.execute(_LOG_PAGE, {"after": after, "limit": limit}), "position", after))


def _checked(rows: Any, counter: str, after: int) -> Iterator[RecordedEvent]:
    for expected, row in enumerate(rows, after + 1):
        found = getattr(row, counter)
        if found != expected:
            raise CorruptLogError(row.position, f"{counter} {found} follows {expected - 1}: events are missing")
        yield decode(row)


def decode(row: Row[Any]) -> RecordedEvent:
    """Turn a row into an event, checking its payload and its hash."""
    try:
        data = json.loads(row.data)
        body = event_body(
            stream=row.stream, version=row.version, type_=row.type, schema_version=row.schema_version, data=data,
            actor=row.actor, correlation_id=row.correlation_id, command_id=row.command_id,
        )  # fmt: skip
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptLogError(row.position, f"its data is no JSON of ours ({error})") from error
    if chain_hash(row.previous_hash, row.position, format_timestamp(row.recorded_at), body) != row.hash:
        raise CorruptLogError(row.position, "its hash does not match its content and the event before it")
    try:
        event = from_payload(row.type, row.schema_version, data)
    except UnreadableEventError as error:
        raise CorruptLogError(row.position, str(error)) from error
    return RecordedEvent(
        row.position, row.stream, row.version, event, row.recorded_at, row.actor, row.correlation_id, row.command_id,
        row.hash,
    )  # fmt: skip
