"""The database about itself, and totals over the whole history for monitoring."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, text

from provider.domain.findings import Violation
from provider.ports.reading.paging import DEFAULT_LIMIT
from provider.ports.reading.system import ProjectionCheck, SystemReport, Totals
from provider.store import migrate
from provider.store.audit_sql.views import list_violations
from provider.store.database import Database
from provider.store.engine import sqlite_module
from provider.store.log.chain_base import chain_base
from provider.store.projections.projection_check import check_newest
from provider.store.reports.fleet import freshness
from provider.store.reports.paging import bounded
from provider.store.reports.totals import read_totals
from provider.store.tables import events, generations, sandboxes

_TIME_OF_FIRST = select(func.min(events.c.position)).scalar_subquery()
_POSTGRES_ABOUT = text("SELECT current_setting('server_version'), pg_database_size(current_database())")
_SQLITE_SIZE = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")


class SqlSystemQueries:
    """Reads what monitoring and the system page want to know. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> SystemReport:
        """Describe the database and the ledger in it."""
        with self._database.snapshot() as connection:
            return self._describe(connection)

    def list_violations(self, limit: int = DEFAULT_LIMIT) -> Sequence[Violation]:
        """List broken invariants of the ledger, by rule; none on a healthy one. Looks at the whole history."""
        with self._database.reading() as connection:
            return list_violations(connection, bounded(limit))

    def check_projections(self, limit: int = DEFAULT_LIMIT) -> ProjectionCheck:
        """Compare the rows of the sandboxes that changed last with the fold of their events."""
        with self._database.snapshot() as connection:
            return check_newest(connection, bounded(limit))

    def totals(self, lease_seconds: float) -> Totals:
        """Count everything there ever was; a worker silent for longer than `lease_seconds` counts as silent."""
        with self._database.snapshot() as connection:
            return read_totals(connection, lease_seconds)

    def _describe(self, connection: Connection) -> SystemReport:
        fresh, _ = freshness(connection)
        base = chain_base(connection).position
        return SystemReport(
            freshness=fresh,
            schema_current=connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none(),
            schema_needed=_schema_needed(),
            database=self._database.name,
            events=fresh.head_position - base,
            sandboxes=_count(connection, select(func.count()).select_from(sandboxes)),
            generations=_count(connection, select(func.count()).select_from(generations)),
            oldest_event_at=_time_of_first(connection),
            newest_event_at=fresh.recorded_at,
            **_product(connection),
        )


@functools.cache
def _schema_needed() -> str:
    return migrate.head_revision()


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.execute(statement).scalar_one())


def _time_of_first(connection: Connection) -> datetime | None:
    first = select(events.c.recorded_at).where(events.c.position == _TIME_OF_FIRST)
    found: datetime | None = connection.execute(first).scalar_one_or_none()
    return found


def _product(connection: Connection) -> Mapping[str, Any]:
    if connection.dialect.name == "sqlite":
        size = int(connection.execute(_SQLITE_SIZE).scalar_one())
        return {"product": "SQLite", "version": sqlite_module().sqlite_version, "database_bytes": size}
    version, size = connection.execute(_POSTGRES_ABOUT).one()
    return {"product": "PostgreSQL", "version": str(version).partition(" ")[0], "database_bytes": size}
