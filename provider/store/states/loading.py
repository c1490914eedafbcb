"""Loading one sandbox's state: its row and those of its unsettled generations, in one statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, Table

from provider.domain.log import parse_timestamp
from provider.domain.state import SandboxState
from provider.store.states.rows import GENERATION_COLUMNS, SANDBOX_COLUMNS, read_state
from provider.store.tables import generations, sandboxes
from provider.store.types import UtcTimestamp

_SELECTED = [
    *(f"CAST(s.{name} AS text)" if name in ("holders", "crashes") else f"s.{name}" for name in SANDBOX_COLUMNS),
    *(f"g.{name}" for name in GENERATION_COLUMNS),
]
_LOAD = (
    f"SELECT {', '.join(_SELECTED)} FROM sandboxes AS s "  # noqa: S608
    "LEFT JOIN generations AS g ON g.sandbox_id = s.sandbox_id AND g.removed_at IS NULL "
    "WHERE s.sandbox_id = {} ORDER BY g.generation"
)
_STATEMENTS = {"sqlite": _LOAD.format("?"), "postgresql": _LOAD.format("$1")}
_SPLIT = len(SANDBOX_COLUMNS)


def load_state(cursor: Any, dialect: str, sandbox_id: str) -> SandboxState:
    """Read a state over a driver's cursor; an unknown id gives an empty one."""
    rows = cursor.execute(_STATEMENTS[dialect], (sandbox_id,)).fetchall()
    if not rows:
        return SandboxState(sandbox_id=sandbox_id)
    if dialect == "sqlite":
        rows = [_converted(row) for row in rows]
    unsettled = [dict(zip(GENERATION_COLUMNS, row[_SPLIT:], strict=True)) for row in rows if row[_SPLIT] is not None]
    return read_state(dict(zip(SANDBOX_COLUMNS, rows[0], strict=False)), unsettled)


def _converters(table: Table, columns: tuple[str, ...], offset: int) -> list[tuple[int, Callable[[Any], Any]]]:
    """Find the columns whose stored values are not what Python has."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(columns, offset):
        kind = table.c[name].type
        if isinstance(kind, UtcTimestamp):
            found.append((place, parse_timestamp))
        elif isinstance(kind, Boolean):
            found.append((place, bool))
    return found


_CONVERTERS = [*_converters(sandboxes, SANDBOX_COLUMNS, 0), *_converters(generations, GENERATION_COLUMNS, _SPLIT)]


def _converted(row: tuple[Any, ...]) -> list[Any]:
    values = list(row)
    for place, convert in _CONVERTERS:
        if values[place] is not None:
            values[place] = convert(values[place])
    return values
