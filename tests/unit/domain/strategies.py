"""Events made from the type hints of their classes, so that a new event is tested without a new line."""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from provider.domain.events import REGISTRY, Event, SandboxEvent
from provider.domain.log import MAX_NUMBER

GENERATIONS = st.integers(1, 4)

storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=_offsets)  # noqa: DTZ001
seconds = st.floats(-1e9, 1e9).map(lambda number: round(number, 6))

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: storable_text,
    bool: st.booleans(),
    int: st.integers(1 - MAX_NUMBER, MAX_NUMBER - 1),
    float: seconds,
    datetime: moments,
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of a field's type."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return st.one_of(
            *(st.none() if part is type(None) else values_of(part) for part in typing.get_args(hint)),
        )
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return objects_of(hint)
    return _SIMPLE[hint]


def objects_of(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Make objects of a dataclass."""
    hints = typing.get_type_hints(cls)
    fields = {f.name: values_of(hints[f.name]) for f in dataclasses.fields(cls)}
    if issubclass(cls, SandboxEvent):
        fields["generation"] = GENERATIONS
    return st.builds(cls, **fields)


def events() -> st.SearchStrategy[Event]:
    """Make events of every registered class."""
    return st.sampled_from(sorted(REGISTRY)).flatmap(lambda name: objects_of(REGISTRY[name]))


def sandbox_events() -> st.SearchStrategy[SandboxEvent]:
    """Make events of a sandbox, in no order that makes sense."""
    names = sorted(name for name, cls in REGISTRY.items() if issubclass(cls, SandboxEvent))
    return st.sampled_from(names).flatmap(lambda name: objects_of(REGISTRY[name]))


def in_utc(moment: datetime) -> datetime:
    """Give the same instant as the log gives it back."""
    return moment.astimezone(UTC)
