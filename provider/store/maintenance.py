"""What an operator does to a ledger's database: look at its schema, upgrade it, check it, rebuild its projections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from provider.domain.seals import SealKey
from provider.domain.verification import Progress as VerificationProgress
from provider.domain.verification import SchemaComparison, Scope, VerificationReport
from provider.store import migrate
from provider.store.coordination.lost_rows import find_lost_rows
from provider.store.database import Database
from provider.store.engine import sqlite_module, wal_is_safe
from provider.store.projections.fold import Progress
from provider.store.projections.rebuild import find_differences, rebuild
from provider.store.schema import compare_schema
from provider.store.tables import ledger_head
from provider.store.verification import Verification


@dataclass(frozen=True, slots=True)
class SchemaVersions:
    """The schema a database has (None: empty) and the one this version of the library works with."""

    current: str | None
    head: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check looked at, and every problem it found."""

    schema: str
    events: int
    problems: tuple[str, ...]
    schema_unchecked: str | None = None
    """Why the schema was not compared with the shipped one; None where it was."""


@dataclass(frozen=True, slots=True)
class DatabaseDescription:
    """What the database says about itself; `journal_mode` and `wal_is_safe` are SQLite's."""

    url: str
    product: str
    version: str
    journal_mode: str | None = None
    wal_is_safe: bool | None = None


class Maintenance:
    """An operator's view of one database. Nothing is migrated unless `upgrade` is called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self) -> SchemaVersions:
        """Compare the database's schema with the one that is needed."""
        found = None if self._is_file_to_be_made() else migrate.current_revision(self._database)
        return SchemaVersions(found, migrate.head_revision())

    def upgrade(self) -> SchemaVersions:
        """Migrate to this version's schema and return what was there before; raise `SchemaError` for a newer one."""
        before = self.versions()
        migrate.upgrade(self._database)
        return before

    def compare_schema(self) -> SchemaComparison:
        """Compare tables, indexes, triggers, functions and views with those that the migrations make."""
        return compare_schema(self._database)

    def check(self) -> CheckReport:
        """Verify the schema, the hash chain, and that the projections equal the fold of the log.

        Raise `CorruptLogError` at the first event that is not what was recorded.
        """
        head = self._require_schema()
        schema = self.compare_schema()
        problems = [f"schema: {difference}" for difference in schema.differences]
        problems += find_differences(self._database) + find_lost_rows(self._database)
        with self._database.reading() as connection:
            events = connection.execute(select(ledger_head.c.position)).scalar_one()
        return CheckReport(head, events, tuple(problems), schema.unchecked)

    def verify(
        self, key: SealKey | None, scope: Scope, progress: VerificationProgress | None = None
    ) -> VerificationReport:
        """Find everything that is not as it was recorded, with positions; change nothing."""
        self._require_schema()
        return Verification(self._database, key, scope).run(progress)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Fold the log into fresh projections; return how many events were read."""
        self._require_schema()
        return rebuild(self._database, progress)

    def describe(self) -> DatabaseDescription:
        """Describe the database."""
        shown = self._database.name
        with self._database.reading() as connection:
            if not self._database.is_sqlite:
                version = str(connection.execute(text("SHOW server_version")).scalar_one())
                return DatabaseDescription(shown, "PostgreSQL", version.partition(" ")[0])
            mode = str(connection.execute(text("PRAGMA journal_mode")).scalar_one())
        return DatabaseDescription(shown, "SQLite", sqlite_module().sqlite_version, mode, wal_is_safe())

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def _is_file_to_be_made(self) -> bool:
        """Whether SQLite would make a file for what only looks: a check leaves nothing behind."""
        path = Path(self._database.engine.url.database or "")
        return self._database.is_sqlite and path.parent.is_dir() and not path.exists()

    def _require_schema(self) -> str:
        return migrate.require_current(self._database, self.versions().current)
