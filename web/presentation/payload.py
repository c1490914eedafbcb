"""An event's payload, and how it differs from the one before it of the same stream. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that an event changed; None is a value that was not there."""

    name: str
    before: str | None
    after: str | None


def show_payload(data: Mapping[str, Any]) -> str:
    """Write a payload for people: one field a line, in a fixed order."""
    return json.dumps(dict(data), indent=2, sort_keys=True, ensure_ascii=False, default=str)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """List the fields whose value is another one, by name."""
    missing = object()
    names = sorted({*before, *after})
    return tuple(
        FieldChange(name, _show(before, name), _show(after, name))
        for name in names
        if before.get(name, missing) != after.get(name, missing)
    )


def _show(values: Mapping[str, Any], name: str) -> str | None:
    if name not in values:
        return None
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
