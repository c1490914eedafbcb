"""Projections from the log alone: to rebuild them, and to prove that they equal the fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from provider.store.audit_sql.views import restore_missing
from provider.store.chunks import chunked
from provider.store.database import Database
from provider.store.projections.fold import FOLDED, Fold, Progress
from provider.store.tables import ledger_head, metadata, sandboxes


def rebuild(database: Database, progress: Progress | None = None) -> int:
    """Fold the log into fresh projections, in one transaction that keeps writers out; return the events read.

    Missing tables are made again, with the views that went along. Activity times are no part of the log and are kept.
    """
    with database.writing() as connection:
        metadata.create_all(connection, tables=list(FOLDED), checkfirst=True)
        restore_missing(connection)
        if connection.dialect.name != "sqlite":
            # Before any row: an append in flight ends first, and none waits for a row while it keeps this lock away.
            names = ", ".join(table.name for table in FOLDED)
            connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        fold = Fold.from_base(connection)
        position = fold.read(connection, progress)
        connection.execute(update(ledger_head).values(live=fold.count_live()))
        activity = connection.execute(select(sandboxes.c.sandbox_id, sandboxes.c.last_activity_at)).all()
        for table in FOLDED:
            connection.execute(delete(table))
            insert_rows(connection, table, fold)
        for sandbox_id, moment in activity:
            if moment is not None:
                kept = update(sandboxes).where(sandboxes.c.sandbox_id == sandbox_id)
                connection.execute(kept.values(last_activity_at=moment))
    return position


def insert_rows(connection: Connection, table: Table, fold: Fold) -> None:
    """Write a table's rows as they were folded."""
    for chunk in chunked(fold.rows(table)):
        connection.execute(insert(table), chunk)


def find_differences(database: Database) -> list[str]:
    """Compare the projections with the fold of the log; describe every difference, none on a healthy ledger."""
    with database.snapshot() as connection:
        fold = Fold.from_base(connection)
        folded = {"position": fold.read(connection), "live": fold.count_live()}
        differences: list[str] = []
        for table in FOLDED:
            stored = connection.execute(select(table)).mappings().all()
            differences += compare_rows(table, fold.rows(table), stored)
        head = connection.execute(select(ledger_head)).mappings().one()
    for name, value in folded.items():
        if head[name] != value:
            differences.append(f"ledger_head: {name} is {head[name]}, the log says {value}")
    return differences


def compare_rows(table: Table, folded: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[Any, Any]]) -> list[str]:
    """Describe how stored rows differ from what the log gives; columns that it does not determine do not matter."""
    key = [c.name for c in table.primary_key.columns]
    expected = {tuple(row[k] for k in key): row for row in folded}
    found = {tuple(row[k] for k in key): row for row in stored}
    differences = [f"{table.name} {k}: not in the projection" for k in expected.keys() - found.keys()]
    differences += [f"{table.name} {k}: not in the log" for k in found.keys() - expected.keys()]
    for k in expected.keys() & found.keys():
        for column, value in expected[k].items():
            if found[k][column] != value:
                differences.append(f"{table.name} {k}: {column} is {found[k][column]!r}, the log says {value!r}")
    return sorted(differences)
