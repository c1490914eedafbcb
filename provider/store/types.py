"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, DateTime, Dialect, Text, func, literal
from sqlalchemy.types import TypeDecorator, TypeEngine

from provider.domain.log import format_timestamp, parse_timestamp


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware time with microseconds: `timestamptz`, on SQLite ISO-8601 text ending in Z (sorts as time)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Write the value."""
        return format_timestamp(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read the value."""
        return parse_timestamp(value) if isinstance(value, str) else value


class JsonDocument(TypeDecorator[str]):
    """A JSON document as compact text in Python; JSONB in PostgreSQL, text in SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        # Imported here: the whole dialect comes with it, which a process on SQLite never needs.
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Write the value."""
        return value if value is None or dialect.name == "sqlite" else json.loads(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Read the value."""
        if value is None or dialect.name == "sqlite":
            return cast("str | None", value)
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def text_in(dialect: str, document: ColumnElement[Any], name: str) -> ColumnElement[str]:
    """Read a field of a document as text; NULL when it is not there."""
    if dialect == "sqlite":
        return func.json_extract(document, f"$.{name}", type_=Text())
    return document.op("->>", return_type=Text())(literal(name, Text()))
