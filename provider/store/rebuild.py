"""Projections from the log alone: to rebuild them, and to prove that they equal the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.store import log_reader
from provider.store.audit_sql.views import restore_missing
from provider.store.engine import read_snapshot, translated, write_transaction
from provider.store.event_store import SqlEventStore
from provider.store.rows import changed_generations, generation_row, sandbox_row
from provider.store.tables import generations, ledger_head, metadata, sandboxes, streams

Progress = Callable[[int], None]
CHUNK = 500
FOLDED = (streams, sandboxes, generations)
"""The tables that the log alone determines."""
_SANDBOX = sandbox_stream("")


class Fold:
    """The whole log folded into rows, in memory."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._states: dict[str, SandboxState] = {}
        self._generations: dict[tuple[str, int], dict[str, Any]] = {}

    def read(self, connection: Connection, progress: Progress | None = None) -> int:
        """Fold every event the connection sees, checking each one; return the last one's position."""
        after = 0
        while page := log_reader.log_page(connection, after):
            for recorded in page:
                self._versions[recorded.stream] = recorded.version
                if recorded.stream.startswith(_SANDBOX):
                    stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
                    self._apply(recorded.stream.removeprefix(_SANDBOX), recorded.event, stamp)
            after = page[-1].position
            if progress:
                progress(after)
        return after

    def _apply(self, sandbox_id: str, event: Event, stamp: Stamp) -> None:
        before = self._states.get(sandbox_id) or SandboxState(sandbox_id=sandbox_id)
        after = evolve(before, event, stamp)
        for generation in changed_generations(before, after):
            self._generations[sandbox_id, generation.number] = generation_row(sandbox_id, generation)
        self._states[sandbox_id] = settled(after)

    def count_live(self) -> int:
        """Count the sandboxes that take a place of the capacity."""
        return sum(state.occupies for state in self._states.values())

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """List a table's rows in key order."""
        if table is streams:
            return [{"stream": key, "version": self._versions[key]} for key in sorted(self._versions)]
        if table is sandboxes:
            return [sandbox_row(self._states[key]) for key in sorted(self._states)]
        return [self._generations[key] for key in sorted(self._generations)]


def rebuild(store: SqlEventStore, progress: Progress | None = None) -> int:
    """Fold the log into fresh projections, in one transaction that keeps writers out; return the events read.

    Missing tables are made again, with the views that went along. Activity times are no part of the log and are kept.
    """
    with translated(store.url), write_transaction(store.engine) as connection:
        metadata.create_all(connection, tables=list(FOLDED), checkfirst=True)
        restore_missing(connection)
        if connection.dialect.name != "sqlite":
            # Before any row: an append in flight ends first, and none waits for a row while it keeps this lock away.
            names = ", ".join(table.name for table in FOLDED)
            connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        fold = Fold()
        position = fold.read(connection, progress)
        connection.execute(update(ledger_head).values(live=fold.count_live()))
        activity = connection.execute(select(sandboxes.c.sandbox_id, sandboxes.c.last_activity_at)).all()
        for table in FOLDED:
            connection.execute(delete(table))
            for chunk in _chunks(fold.rows(table)):
                connection.execute(insert(table), chunk)
        for sandbox_id, moment in activity:
            if moment is not None:
                kept = update(sandboxes).where(sandboxes.c.sandbox_id == sandbox_id)
                connection.execute(kept.values(last_activity_at=moment))
    return position


def find_differences(store: SqlEventStore) -> list[str]:
    """Compare the projections with the fold of the log; describe every difference, none on a healthy ledger."""
    with translated(store.url), read_snapshot(store.engine) as connection:
        fold = Fold()
        fold.read(connection)
        differences: list[str] = []
        for table in FOLDED:
            stored = [_without_activity(row) for row in connection.execute(select(table)).mappings()]
            differences += _compare(table, fold.rows(table), stored)
        counted = connection.execute(select(ledger_head.c.live)).scalar_one()
        if counted != fold.count_live():
            differences.append(f"ledger_head: live is {counted}, the log says {fold.count_live()}")
    return differences


def _compare(table: Table, folded: list[dict[str, Any]], stored: list[dict[str, Any]]) -> list[str]:
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


def _without_activity(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "last_activity_at"}


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
