"""docs/reference/configuration.md: every key with type, default, range and meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from provider.config.checks import RANGES
from provider.config.parsing import section_keys
from provider.config.settings import Bytes, Settings
from tests.reference.meanings import read_meanings

INTRODUCTION = """\
# Configuration

<!-- Made from the code by `make reference`: its sources are provider/config/settings.py and config.yaml. -->

A YAML file: the one that `--config` names, else the one that `SANDBOX_LEDGER_CONFIG` names, else `config.yaml` in the
working directory, else the defaults. `open_provider()` takes a path, a mapping, or nothing, and then looks in the same
places. An unknown key is an error.

- A value `$NAME` is the environment variable NAME; `$$NAME` is the text `$NAME`. Nothing inside a text is replaced.
- `SANDBOX_LEDGER__SECTION__KEY` overrides a key, such as `SANDBOX_LEDGER__SANDBOX__LIMITS__MEMORY=512m`.
- Durations are in seconds. Sizes are `64k`, `512m`, `1g`, or bytes.
- `null` is allowed where the type says so. A key behind `[]` belongs to each element of a list.
- A relative SQLite path is taken from the file's directory, so that all processes share one ledger.
"""
HEADER = "| key | type | default | range | meaning |\n|---|---|---|---|---|"
NAMES: Mapping[Any, str] = {str: "text", bool: "true or false", int: "whole number", float: "number", Bytes: "size"}


def describe_configuration(text: str) -> str:
    """Write the page from the settings and from the comments of the shipped configuration."""
    meanings = read_meanings(text)
    parts = [INTRODUCTION]
    for name, section in section_keys(Settings).items():
        rows = "\n".join(_rows(section, name, meanings))
        parts.append(f"## {name}\n\n{_sentence(meanings.get(name, ''))}{HEADER}\n{rows}\n")
    return "\n".join(parts)


def list_keys(section: type = Settings, prefix: str = "") -> Iterator[tuple[str, Any, Field[Any]]]:
    """List every key that a source may set, those of a list's elements behind `[]`; with its type and its field."""
    entries = {entry.name: entry for entry in fields(section)}
    for name, hint in section_keys(section).items():
        key = f"{prefix}{name}"
        if is_dataclass(hint):
            yield from list_keys(hint, f"{key}.")  # type: ignore[arg-type]
            continue
        yield key, hint, entries[name]
        element = get_args(hint)[0] if get_origin(hint) is tuple else None
        if is_dataclass(element):
            yield from list_keys(element, f"{key}[].")  # type: ignore[arg-type]


def _rows(section: type, prefix: str, meanings: Mapping[str, str]) -> Iterator[str]:
    for key, hint, entry in list_keys(section, f"{prefix}."):
        bounds = RANGES.get(key)
        span = f"{_number(bounds[0])} to {_number(bounds[1])}" if bounds is not None else ""
        meaning = re.sub(r"(, such as)?:$", "", meanings.get(key.replace("[]", ""), "")).replace("|", "\\|")
        yield f"| `{key}` | {_type(hint)} | {_default(hint, entry)} | {span} | {meaning} |"


def _type(hint: Any) -> str:
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (option for option in get_args(hint) if option is not NoneType)
        return f"{_type(inner)} or null"
    if hasattr(hint, "__metadata__"):  # Annotated
        return _type(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return " \\| ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        return "list of mappings" if is_dataclass(element) else f"list of {_type(element)}s"
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        return f"mapping to {_type(get_args(hint)[1])}"
    return NAMES[hint]


def _default(hint: Any, entry: Field[Any]) -> str:
    if entry.default_factory is not MISSING:
        return "`{}`"
    if entry.default is MISSING:
        return "required"
    value = entry.default
    if hint in (Bytes, Bytes | None) and value is not None and value % 1024**3 == 0:
        return f"`{value // 1024**3}g`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}.\n\n" if text else ""
