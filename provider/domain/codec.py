"""Events to JSON payloads and back, with upcasting: old payloads are lifted on read, never rewritten."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from provider.domain.events import REGISTRY, Event
from provider.domain.log import format_timestamp, parse_timestamp

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]

UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""`(type, version n)` -> the function that turns a version n payload into one of version n + 1."""

_FIELDS: dict[type[Any], dict[str, Callable[[Any], Any]]] = {}


class UnreadableEventError(ValueError):
    """A stored event cannot be turned into one of this version's classes."""


def to_payload(event: Event) -> Payload:
    """Turn an event into plain JSON values: times as text, whole floats as integers, at most 6 decimals."""
    return {name: _plain(getattr(event, name)) for name in _fields(type(event))}


def from_payload(type_: str, schema_version: int, data: Mapping[str, Any]) -> Event:
    """Rebuild an event, lifting old payloads; raise `UnreadableEventError` for an unknown type, version or shape."""
    cls = REGISTRY.get(type_)
    if cls is None:
        raise UnreadableEventError(f"unknown event type {type_!r}")
    if schema_version > cls.schema_version:
        raise UnreadableEventError(f"{type_} version {schema_version} is newer than {cls.schema_version}, known here")
    try:
        event: Event = _read_object(cls, _lift(type_, schema_version, cls.schema_version, data))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise UnreadableEventError(f"{type_} version {schema_version}: {error}") from error
    return event


def _lift(type_: str, version: int, target: int, data: Mapping[str, Any]) -> Mapping[str, Any]:
    for step in range(version, target):
        upcaster = UPCASTERS.get((type_, step))
        if upcaster is None:
            raise LookupError(f"no upcaster from version {step}")
        data = upcaster(dict(data))
    return data


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, float):
        rounded = round(value, 6) if math.isfinite(value) else value
        return int(rounded) if math.isfinite(rounded) and rounded.is_integer() else rounded
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in _fields(type(value))}
    return value


def _fields(cls: type[Any]) -> dict[str, Callable[[Any], Any]]:
    """List a class's fields with the functions that read them; worked out once per class."""
    known = _FIELDS.get(cls)
    if known is None:
        hints = typing.get_type_hints(cls)
        known = _FIELDS[cls] = {f.name: _reader(hints[f.name]) for f in dataclasses.fields(cls)}
    return known


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Build the function that reads one field of this type from its JSON value."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (inner,) = (a for a in typing.get_args(hint) if a is not type(None))
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if typing.get_origin(hint) is typing.Literal:
        return functools.partial(_check_choice, typing.get_args(hint))
    if hint is datetime:
        return parse_timestamp
    if hint is float:
        return _read_float
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return functools.partial(_read_object, hint)
    return functools.partial(_check_type, hint)


def _read_object(cls: type[Any], value: Any) -> Any:
    readers = _fields(cls)
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {value!r}")
    if value.keys() != readers.keys():
        raise ValueError(f"unexpected or missing fields {sorted(value.keys() ^ readers.keys())}")
    return cls(**{name: read(value[name]) for name, read in readers.items()})


def _read_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {value!r}")
    return float(value)


def _check_type(cls: type[Any], value: Any) -> Any:
    if not isinstance(value, cls) or (cls is int and isinstance(value, bool)):
        raise TypeError(f"expected {cls.__name__}, got {value!r}")
    return value


def _check_choice(choices: tuple[str, ...], value: Any) -> Any:
    if value not in choices:
        raise ValueError(f"{value!r} is none of {', '.join(choices)}")
    return value
