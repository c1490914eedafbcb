"""States as projection rows and back: the one place that knows which field is which column."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from provider.domain.log import format_timestamp, parse_timestamp
from provider.domain.policy import Crash
from provider.domain.state import Generation, SandboxState
from provider.store.tables import generations, sandboxes

SANDBOX_COLUMNS = tuple(c.name for c in sandboxes.columns if c.name != "last_activity_at")
GENERATION_COLUMNS = tuple(c.name for c in generations.columns)

# Made once: every append pays for this.
_KEYS = {table: tuple(column.name for column in table.primary_key.columns) for table in (sandboxes, generations)}
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_GENERATION_FIELDS = tuple(f.name for f in dataclasses.fields(Generation) if f.name != "number")


def sandbox_row(state: SandboxState) -> dict[str, Any]:
    """Build the row of `sandboxes`; times stay times, `holders` becomes JSON text."""
    current = state.current
    return {
        "sandbox_id": state.sandbox_id, "user_id": state.user_id, "thread_id": state.thread_id,
        "status": state.status, "generation": state.generation,
        "holders": _ENCODE(state.holders),
        "container_id": current.container_id if current and state.is_live else None,
        "url": current.url if current and state.is_live else None,
        "crashes": _crashes_json(state),
        "retry_at": state.retry_at, "created_at": state.created_at, "updated_at": state.updated_at,
        "version": state.version,
    }  # fmt: skip


def _crashes_json(state: SandboxState) -> str:
    return _ENCODE([[format_timestamp(c.at), c.uptime_seconds] for c in state.crashes])


def generation_row(sandbox_id: str, generation: Generation) -> dict[str, Any]:
    """Build the row of `generations`."""
    row = {name: getattr(generation, name) for name in _GENERATION_FIELDS}
    return {"sandbox_id": sandbox_id, "generation": generation.number, **row}


def changed_generations(before: SandboxState, after: SandboxState) -> list[Generation]:
    """Find the generations that must be written: new or different ones."""
    known = {g.number: g for g in before.generations}
    return [g for g in after.generations if known.get(g.number) != g]


@dataclass(frozen=True, slots=True)
class RowChange:
    """One projection row that an append writes: all of a new row, else the columns that change.

    Only those: to name a column is to write every index it is in.
    """

    table: Table
    is_new: bool
    key: dict[str, Any]
    values: dict[str, Any]


def row_changes(before: SandboxState, after: SandboxState) -> list[RowChange]:
    """Find what must be written to turn the rows of one state into those of another."""
    old = sandbox_row(before) if before.version else None
    changes = [_change(sandboxes, old, sandbox_row(after))]
    for generation in changed_generations(before, after):
        found = before.find(generation.number)
        old = generation_row(before.sandbox_id, found) if found else None
        changes.append(_change(generations, old, generation_row(after.sandbox_id, generation)))
    return changes


def _change(table: Table, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> RowChange:
    key = {name: new[name] for name in _KEYS[table]}
    values = {name: new[name] for name in new if name not in key and (old is None or old[name] != new[name])}
    return RowChange(table, old is None, key, values)


def read_state(sandbox: Mapping[str, Any], unsettled: Iterable[Mapping[str, Any]]) -> SandboxState:
    """Rebuild a state from its `sandboxes` row and the `generations` rows that are not removed, oldest first."""
    return SandboxState(
        sandbox_id=sandbox["sandbox_id"], version=sandbox["version"], status=sandbox["status"],
        user_id=sandbox["user_id"], thread_id=sandbox["thread_id"], generation=sandbox["generation"],
        holders=tuple(json.loads(sandbox["holders"])), retry_at=sandbox["retry_at"],
        crashes=tuple(
            Crash(at=parse_timestamp(at), uptime_seconds=uptime) for at, uptime in json.loads(sandbox["crashes"])
        ),
        created_at=sandbox["created_at"], updated_at=sandbox["updated_at"],
        generations=tuple(read_generation(row) for row in unsettled),
    )  # fmt: skip


def read_generation(row: Mapping[Any, Any]) -> Generation:
    """Rebuild one generation from its row."""
    return Generation(number=row["generation"], **{name: row[name] for name in _GENERATION_FIELDS})
