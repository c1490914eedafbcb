"""The columns of `events` as they are stored, for readers that check a row before they believe it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Text, cast, type_coerce
from sqlalchemy.types import NullType

from provider.domain.chain import StoredEvent
from provider.store.tables import events


def _as_stored(name: str) -> ColumnElement[Any]:
    column = events.c[name]
    if name == "data":
        return cast(column, Text).label(name)
    # A time is read where its position is known.
    return type_coerce(column, NullType()).label(name) if name == "recorded_at" else column


RAW_COLUMNS = tuple(_as_stored(name) for name in StoredEvent._fields)


def stored_event(row: Row[Any]) -> StoredEvent:
    """Take a row that was selected with `RAW_COLUMNS` first."""
    return StoredEvent._make(row[: len(RAW_COLUMNS)])
