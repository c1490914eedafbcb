"""JSON schemas made from the values themselves, so that what is described is what is written."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from provider.domain.log import RecordedEvent
from provider.reading.documents import COLUMNS, SPREAD

Schema = dict[str, Any]

SIMPLE: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    types.NoneType: {"type": "null"},
    Any: {},
}
EVENT: Schema = {
    "type": "object",
    "properties": {
        "position": {"type": "integer"},
        "stream": {"type": "string"},
        "version": {"type": "integer"},
        "type": {"type": "string"},
        "schema_version": {"type": "integer"},
        "data": {"type": "object"},
        "recorded_at": {"type": "string", "format": "date-time"},
        "actor": {"type": "string"},
        "correlation_id": {"type": "string"},
        "command_id": {"type": ["string", "null"]},
        "hash": {"type": "string"},
    },
}
EVENT["required"] = list(EVENT["properties"])


@dataclasses.dataclass(frozen=True, slots=True)
class RowOf:
    """A record with texts in front of it that are known from where it was found."""

    name: str
    record: type
    before: tuple[str, ...]


class Schemas:
    """Collects the schemas of all values that are shown, each under its name."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, hint: Any) -> Schema:
        """Describe a type; a record is put down once and referred to."""
        if isinstance(hint, RowOf):
            return self._row(hint)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self._refer(hint)
        return dict(SIMPLE[hint]) if hint in SIMPLE else self._compound(hint)

    def _compound(self, hint: Any) -> Schema:
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (types.UnionType, typing.Union):
            return _one_of([self.of(one) for one in inner])
        if origin is typing.Literal:
            return {"type": "string", "enum": list(inner)}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if isinstance(origin, type) and issubclass(origin, Sequence | Collection):
            return {"type": "array", "items": self.of(inner[0])}
        raise TypeError(f"{hint!r} has no schema")

    def add(self, name: str, schema: Schema) -> Schema:
        """Record a schema under a name; return the reference to it."""
        self.components.setdefault(name, schema)
        return {"$ref": f"#/components/schemas/{name}"}

    def _refer(self, cls: type[Any]) -> Schema:
        name = "Event" if cls is RecordedEvent else cls.__name__
        if name not in self.components:
            self.components[name] = {}  # before its fields: a record may lead back to itself
            self.components[name] = dict(EVENT) if cls is RecordedEvent else self._record(cls)
        return {"$ref": f"#/components/schemas/{name}"}

    def _row(self, row: RowOf) -> Schema:
        inner = self._record(row.record)
        properties = {**{name: dict(SIMPLE[str]) for name in row.before}, **inner["properties"]}
        return self.add(row.name, {**inner, "properties": properties, "required": list(properties)})

    def _record(self, cls: type[Any]) -> Schema:
        properties: dict[str, Schema] = {}
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            if (cls, field.name) in SPREAD:
                properties.update(self._record(hints[field.name])["properties"])
            else:
                properties[COLUMNS.get((cls, field.name), field.name)] = self.of(hints[field.name])
        said = (cls.__doc__ or "").strip().splitlines()
        return {
            "type": "object", "description": said[0] if said else "", "properties": properties,
            "required": list(properties), "additionalProperties": False,
        }  # fmt: skip


def _one_of(choices: list[Schema]) -> Schema:
    """Write "or null" as JSON Schema likes it."""
    plain = [one for one in choices if set(one) == {"type"}]
    if len(plain) == len(choices):
        return {"type": [one["type"] for one in plain]}
    return {"anyOf": choices}
