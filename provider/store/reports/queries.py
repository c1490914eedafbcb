"""The read side in SQL: the projections as the command line and the dashboard show them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, or_, select, tuple_

from provider.domain.archives import ArchiveRow
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.store.database import Database
from provider.store.log.chain_base import read_archives
from provider.store.log.reader import find_position_before
from provider.store.states.rows import read_generation
from provider.store.tables import generations, ledger_head, sandboxes

SHOWN = [sandboxes.c[field.name] for field in dataclasses.fields(SandboxRecord)]
"""The columns of `sandboxes` that a `SandboxRecord` has."""

_FIND = select(*SHOWN).where(sandboxes.c.sandbox_id == bindparam("sandbox_id"))
_IDS = (
    select(sandboxes.c.sandbox_id)
    .where(sandboxes.c.sandbox_id >= bindparam("first"), sandboxes.c.sandbox_id < bindparam("behind"))
    .order_by(sandboxes.c.sandbox_id)
    .limit(bindparam("limit"))
)
_GENERATIONS = (
    select(generations)
    .where(generations.c.sandbox_id == bindparam("sandbox_id"))
    .order_by(generations.c.generation)
)  # fmt: skip
_LAST_ENDED = (
    select(generations)
    .where(
        generations.c.sandbox_id == bindparam("sandbox_id"),
        or_(generations.c.ended_at.is_not(None), generations.c.died_at.is_not(None)),
    )
    .order_by(generations.c.generation.desc())
    .limit(1)
)
_HEAD = select(ledger_head.c.position)


class SqlLedgerQueries:
    """Reads the projections on SQLite or PostgreSQL. Every call sees one moment and holds nothing afterwards."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_sandboxes(
        self, statuses: Sequence[str] | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[SandboxRecord]:
        """List up to `limit` sandboxes behind `after`, the newest first."""
        key = (sandboxes.c.created_at, sandboxes.c.sandbox_id)
        statement = select(*SHOWN).order_by(*(column.desc() for column in key)).limit(limit)
        if statuses is not None:
            statement = statement.where(sandboxes.c.status.in_(statuses))
        if after is not None:
            statement = statement.where(tuple_(*key) < tuple_(*after, types=[column.type for column in key]))
        return [read_record(row) for row in self._rows(statement)]

    def find_sandbox(self, sandbox_id: str) -> SandboxRecord | None:
        """Find one sandbox by its id."""
        return next((read_record(row) for row in self._rows(_FIND, sandbox_id=sandbox_id)), None)

    def list_ids(self, prefix: str, limit: int) -> Sequence[str]:
        """List up to `limit` ids that start with these hex digits."""
        # A range and not LIKE, whose use of the index depends on the database's collation. "g" sorts behind "f".
        rows = self._rows(_IDS, first=prefix, behind=f"{prefix}g", limit=limit)
        return [row["sandbox_id"] for row in rows]

    def list_generations(self, sandbox_id: str) -> Sequence[Generation]:
        """List all containers a sandbox ever had, the oldest first."""
        return [read_generation(row) for row in self._rows(_GENERATIONS, sandbox_id=sandbox_id)]

    def find_last_ended(self, sandbox_id: str) -> Generation | None:
        """Find the newest generation that died, was evicted, or never came up."""
        return next((read_generation(row) for row in self._rows(_LAST_ENDED, sandbox_id=sandbox_id)), None)

    def find_position_before(self, moment: datetime) -> int:
        """Return the position of the last event recorded before this moment; positions and times grow together."""
        with self._database.reading() as connection:
            return find_position_before(connection, moment)

    def head_position(self) -> int:
        """Return the position of the last event, 0 for an empty log."""
        (head,) = self._rows(_HEAD)
        return int(head["position"])

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives, the oldest first."""
        with self._database.reading() as connection:
            return read_archives(connection)

    def _rows(self, statement: Select[Any], **parameters: object) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return [row._asdict() for row in connection.execute(statement, parameters)]


def read_record(row: dict[str, Any]) -> SandboxRecord:
    """Read a row of the columns `SHOWN`."""
    holders, crashes = json.loads(row["holders"]), json.loads(row["crashes"])
    return SandboxRecord(**{**row, "holders": tuple(holders), "crashes": tuple((at, uptime) for at, uptime in crashes)})
