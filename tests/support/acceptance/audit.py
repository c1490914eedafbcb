"""The auditor: someone with a SQL prompt on the ledger's database and nothing else."""

from __future__ import annotations

import importlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.pool import NullPool

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditedEvent:
    """One row of `events`."""

    position: int
    type: str
    data: Mapping[str, Any]
    actor: str
    correlation_id: str

    @property
    def generation(self) -> int:
        """The generation the event is about."""
        return int(self.data["generation"])


class Auditor:
    """Plain SQL on a ledger, the same on SQLite and PostgreSQL; every call is one connection of its own."""

    def __init__(self, url: str) -> None:
        module = {"module": _sqlite_module()} if url.startswith("sqlite") else {}
        self._engine = sqlalchemy.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", **module)
        self.is_sqlite = url.startswith("sqlite")

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Ask."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def execute(self, sql: str, **values: object) -> None:
        """Change something."""
        with self._engine.connect() as connection:
            connection.execute(text(sql), values)

    def head(self) -> int:
        """Tell the position of the last event."""
        return int(self.rows("SELECT coalesce(max(position), 0) AS n FROM events")[0]["n"])

    def count_events(self) -> int:
        """Tell how much the log says about sandboxes; that workers come and go is not counted."""
        return int(self.rows("SELECT count(*) AS n FROM events WHERE stream LIKE 'sandbox:%'")[0]["n"])

    def events(self, sandbox_id: str | None = None, *, after: int = 0) -> list[AuditedEvent]:
        """Read the log, or one sandbox's part of it."""
        wanted = "" if sandbox_id is None else "AND stream = :stream"
        rows = self.rows(
            "SELECT position, type, data, actor, correlation_id FROM events "
            f"WHERE position > :after {wanted} ORDER BY position",
            after=after,
            **({} if sandbox_id is None else {"stream": f"sandbox:{sandbox_id}"}),
        )
        return [AuditedEvent(**{**row, "data": _parsed(row["data"])}) for row in rows]

    def types(self, sandbox_id: str | None = None, *, after: int = 0) -> list[str]:
        """Name the events."""
        return [event.type for event in self.events(sandbox_id, after=after)]

    def find_event(self, sandbox_id: str, type_: str) -> AuditedEvent:
        """Return the only event of a type."""
        (found,) = [event for event in self.events(sandbox_id) if event.type == type_]
        return found

    def sandbox(self, sandbox_id: str) -> Row:
        """Read a sandbox's row, with its holders as a list."""
        (row,) = self.rows("SELECT * FROM sandboxes WHERE sandbox_id = :id", id=sandbox_id)
        return {**row, "holders": _parsed(row["holders"])}

    def generations(self, sandbox_id: str) -> list[Row]:
        """Read every container a sandbox ever had."""
        return self.rows("SELECT * FROM generations WHERE sandbox_id = :id ORDER BY generation", id=sandbox_id)

    def last_activity(self, sandbox_id: str) -> datetime | None:
        """Read when a sandbox was last used."""
        found = self.sandbox(sandbox_id)["last_activity_at"]
        return datetime.fromisoformat(found) if isinstance(found, str) else found

    def dump(self) -> str:
        """Give every value of every table as text."""
        tables = sqlalchemy.inspect(self._engine).get_table_names()
        return "\n".join(repr(row) for table in sorted(tables) for row in self.rows(f'SELECT * FROM "{table}"'))

    def describe_schema(self) -> list[Row]:
        """Describe the tables and indexes, in any order."""
        if self.is_sqlite:
            found = self.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'index', 'view', 'trigger')")
        else:
            found = self.rows(
                "SELECT indexdef AS name FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
                "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable "
                "FROM information_schema.columns WHERE table_schema = 'public' UNION ALL "
                "SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0"
            )
        return sorted(found, key=lambda row: str(row["name"]))

    def allow_changes(self) -> None:
        """Take away what keeps the log from being changed, as someone with all rights can."""
        if self.is_sqlite:
            for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"):
                self.execute(f"DROP TRIGGER {row['name']}")
        else:
            self.execute("ALTER TABLE events DISABLE TRIGGER ALL")

    def find_violations(self) -> list[str]:
        """Describe what the ledger sees itself, and each breach of "intent first" and "no evidence, no removal"."""
        known = self.rows("SELECT rule, subject, detail FROM v_violations")
        violations = [f"{row['rule']}: {row['subject']}: {row['detail']}" for row in known]
        seen: dict[tuple[str, int], list[str]] = {}
        for row in self.rows("SELECT stream, type, data FROM events WHERE stream LIKE 'sandbox:%' ORDER BY position"):
            number = int(_parsed(row["data"])["generation"])
            before = seen.setdefault((row["stream"], number), [])
            violations += [f"{row['stream']} g{number}: {breach}" for breach in _breaches(row["type"], before)]
            before.append(row["type"])
        return violations

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _breaches(type_: str, before: Sequence[str]) -> list[str]:
    breaches = []
    if not before and type_ not in {"SandboxCreating", "OrphanAdopted"}:
        breaches.append(f"{type_} without an intent")
    if type_ == "SandboxDestroyed" and "SandboxDied" in before and "EvidenceCollected" not in before:
        breaches.append("removed after a death without evidence")
    if type_ == "SandboxDestroyed" and not {"SandboxEvicted", "SandboxCreateFailed"}.intersection(before):
        breaches.append("removed while in use")
    if type_ in {"SandboxDied", "SandboxEvicted", "SandboxDestroyed", "SandboxReady"} and type_ in before:
        breaches.append(f"{type_} twice")
    return breaches


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _sqlite_module() -> ModuleType:
    # As the library itself: two SQLite libraries of different age on one WAL file are asking for trouble.
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3
