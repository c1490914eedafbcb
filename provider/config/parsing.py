"""Turn plain data (mappings, lists, scalars) into the settings' dataclasses, led by their type hints."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from provider.config.place import KeyPlace
from provider.config.scalars import parse_bool, parse_float, parse_int, parse_size, parse_text
from provider.config.settings import Bytes

T = TypeVar("T")

_REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")

# Filled in by the loader; not a key that a source may set.
_LOADER_FIELDS = frozenset({"source"})


def section_keys(section: type) -> Mapping[str, Any]:
    """Return the keys of a section with their type hints."""
    hints = get_type_hints(section)
    return {entry.name: hints[entry.name] for entry in fields(section) if entry.name not in _LOADER_FIELDS}


def parse_section(section: type[T], raw: object, place: KeyPlace) -> T:
    """Build one dataclass; a key that is absent, or a section or list left empty, keeps its default."""
    given = as_mapping(raw, place)
    keys = section_keys(section)
    for key in given:
        if key not in keys:
            raise place.unknown(key, keys)
    values = {
        key: parse_value(keys[key], value, place.at(key))
        for key, value in given.items()
        if value is not None or not _is_container(keys[key])
    }
    for entry in fields(section):  # type: ignore[arg-type]
        if _is_required(entry) and entry.name not in values:
            raise place.at(entry.name).error("is missing")
    return section(**values)


def parse_value(hint: Any, raw: object, place: KeyPlace) -> object:
    """Turn one value into what `hint` asks for, after resolving `$NAME`."""
    if isinstance(raw, str):
        raw, place = _resolve(hint, raw, place)
    inner = strip_optional(hint)
    if raw is None and inner is not hint:
        return None
    if is_dataclass(inner):
        return parse_section(inner, raw, place)  # type: ignore[arg-type]
    return _PARSERS[get_origin(inner) or inner](inner, raw, place)


def as_mapping(raw: object, place: KeyPlace) -> dict[str, object]:
    """Take the value as a mapping with text keys; nothing at all is an empty one."""
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise place.wrong(raw, "a mapping (key: value)", show=False)
    for key in raw:
        if not isinstance(key, str):
            raise place.error("has a key that is not text; put it in quotes")
    return dict(raw)


def strip_optional(hint: Any) -> Any:
    """Return X for `X | None`, and every other hint as it is."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    (inner,) = (option for option in get_args(hint) if option is not NoneType)
    return inner


def takes_text(hint: Any) -> bool:
    """Whether an environment variable's text is the value itself, not YAML to be read."""
    inner = strip_optional(hint)
    return inner is str or get_origin(inner) is Literal


def yaml_value(text: str, place: KeyPlace) -> object:
    """Read an environment variable's text as YAML."""
    from provider.config.yaml_text import YamlError, read_yaml

    try:
        return read_yaml(text)
    except YamlError:
        raise place.error("is set by an environment variable whose text is not valid YAML") from None


def _resolve(hint: Any, raw: str, place: KeyPlace) -> tuple[object, KeyPlace]:
    if raw.startswith("$$"):
        return raw[1:], place
    match = _REFERENCE.fullmatch(raw)
    if match is None:
        return raw, place
    name = match[1]
    if name not in place.environ:
        raise place.error(f"environment variable {name} is not set; set it, or write $${name} for the text itself")
    text = place.environ[name]
    return (text if takes_text(hint) else yaml_value(text, place)), place.hide()


def _is_container(hint: Any) -> bool:
    return is_dataclass(hint) or get_origin(hint) in (tuple, Mapping)


def _is_required(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _parse_choice(hint: Any, raw: object, place: KeyPlace) -> object:
    if isinstance(raw, str) and raw in get_args(hint):
        return raw
    raise place.wrong(raw, f"one of {', '.join(get_args(hint))}")


def _parse_tuple(hint: Any, raw: object, place: KeyPlace) -> object:
    if not isinstance(raw, (list, tuple)):
        raise place.wrong(raw, "a list", show=False)
    element = get_args(hint)[0]
    return tuple(parse_value(element, value, place.item(index)) for index, value in enumerate(raw))


def _parse_mapping(hint: Any, raw: object, place: KeyPlace) -> object:
    element = get_args(hint)[1]
    return {key: parse_value(element, value, place.at(key)) for key, value in as_mapping(raw, place).items()}


_PARSERS: Mapping[Any, Callable[[Any, object, KeyPlace], object]] = {
    Literal: _parse_choice,
    tuple: _parse_tuple,
    Mapping: _parse_mapping,
    str: parse_text,
    bool: parse_bool,
    int: parse_int,
    float: parse_float,
    Bytes: parse_size,
}
