"""Lay `SANDBOX_LEDGER__SECTION__KEY` environment variables over what a file or a mapping says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, get_origin

from provider.config.parsing import as_mapping, section_keys, strip_optional, takes_text, yaml_value
from provider.config.place import KeyPlace
from provider.config.settings import Settings

PREFIX = "SANDBOX_LEDGER__"


def apply_overrides(tree: Mapping[str, object], place: KeyPlace) -> tuple[dict[str, object], dict[str, str]]:
    """Return the tree with all overrides, and which variable set which dotted key."""
    merged = dict(tree)
    variables: dict[str, str] = {}
    # Sorted, so that a whole section comes before the single keys inside it.
    for variable in sorted(name for name in place.environ if name.startswith(PREFIX)):
        path, hint = _locate(variable)
        key = ".".join(path)
        own_place = KeyPlace(source=f"environment variable {variable}", key=key)
        _insert(merged, path, _read(hint, place.environ[variable], own_place), place)
        variables[key] = variable
    return merged, variables


def _locate(variable: str) -> tuple[list[str], Any]:
    place = KeyPlace(source=f"environment variable {variable}")
    hint: Any = Settings
    path: list[str] = []
    parts = variable.removeprefix(PREFIX).split("__")
    while parts:
        if get_origin(hint) is Mapping:
            return [*path, "__".join(parts)], str
        name = parts.pop(0).lower()
        keys = section_keys(hint) if isinstance(hint, type) and is_dataclass(hint) else {}
        if name not in keys:
            raise (place.at(".".join(path)) if path else place).unknown(name, keys)
        path.append(name)
        hint = keys[name]
    return path, hint


def _insert(tree: dict[str, object], path: list[str], value: object, place: KeyPlace) -> None:
    for depth, name in enumerate(path[:-1], start=1):
        # A copy at every level: the caller's mapping stays as it was.
        child = as_mapping(tree.get(name), place.at(".".join(path[:depth])))
        tree[name] = child
        tree = child
    tree[path[-1]] = value


def _read(hint: Any, text: str, place: KeyPlace) -> object:
    if takes_text(hint):
        return None if strip_optional(hint) is not hint and text in ("", "~", "null") else _unquote(text)
    return yaml_value(text, place)


def _unquote(text: str) -> str:
    """Take text as it is, since a password may hold anything, unless it is one quoted YAML string."""
    if text[:1] not in ("'", '"'):
        return text
    from provider.config.yaml_text import YamlError, read_yaml

    try:
        value = read_yaml(text)
    except YamlError:
        return text
    return value if isinstance(value, str) else text
