"""Looking into the JSON documents of events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, func, literal


def text_in(dialect: str, document: ColumnElement[Any], name: str) -> ColumnElement[str]:
    """Read a field of a document as text; NULL when it is not there."""
    if dialect == "sqlite":
        return func.json_extract(document, f"$.{name}", type_=Text())
    return document.op("->>", return_type=Text())(literal(name, Text()))
