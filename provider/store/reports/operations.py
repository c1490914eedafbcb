"""Workers, sweeps, and what operators did, page by page."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, exists, select

from provider.domain.sweeps import SweepRow
from provider.ports.reading.audit import AuditFilter, OperatorActionRow, WorkerReport
from provider.ports.reading.paging import DEFAULT_LIMIT, Page
from provider.store.coordination.sweeps import sweep_row
from provider.store.database import Database, database_now
from provider.store.reports.marks import REQUESTED
from provider.store.reports.paging import RowOrder, read_rows
from provider.store.reports.views import operator_actions
from provider.store.tables import events, sandboxes, sweeps, workers
from provider.store.types import text_in

w = workers.c
_SHOWN = [w[field.name] for field in dataclasses.fields(WorkerReport) if field.name in w]
_RUNNING = RowOrder("workers running", {"heartbeat_at": w.heartbeat_at, "worker_id": w.worker_id}, descending=False)
_ENDED = RowOrder("workers ended", {"ended_at": w.ended_at, "worker_id": w.worker_id})
_SWEEPS = RowOrder("sweeps", {"started_at": sweeps.c.started_at, "sweep_id": sweeps.c.sweep_id})
_REQUESTED = events.alias("requested")
_ACTIONS = RowOrder("actions", {"requested_at": _REQUESTED.c.recorded_at, "position": _REQUESTED.c.position})


class SqlOperationQueries:
    """Reads workers, sweeps and operators' actions. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_workers(
        self, *, ended: bool = False, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[WorkerReport]:
        """List the workers that run, the most silent one first; or those that ended, the last one first."""
        among = w.ended_at.is_not(None) if ended else w.ended_at.is_(None)

        with self._database.snapshot() as connection:
            now = database_now(connection)
            order = _ENDED if ended else _RUNNING
            rows = read_rows(connection, select(*_SHOWN).where(among), order, cursor, limit)
            holds = _count_holds(connection)
            items = tuple(_report(row, now, holds) for row in rows.rows)
            return Page(items=items, next=rows.next, previous=rows.previous)

    def find_worker(self, worker_id: str) -> WorkerReport | None:
        """Find one worker."""
        with self._database.snapshot() as connection:
            now, mine = database_now(connection), select(*_SHOWN).where(w.worker_id == worker_id)
            row = connection.execute(mine).mappings().one_or_none()
            return _report(row, now, _count_holds(connection)) if row is not None else None

    def list_sweeps(self, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[SweepRow]:
        """List the runs of the sweep, the newest first."""
        statement = select(sweeps)
        with self._database.reading() as connection:
            rows = read_rows(connection, statement, _SWEEPS, cursor, limit)
        return Page(items=tuple(sweep_row(row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def list_actions(
        self, wanted: AuditFilter, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[OperatorActionRow]:
        """List what operators did, the newest first."""
        with self._database.reading() as connection:
            statement = _actions(wanted, connection.dialect.name)
            rows = read_rows(connection, statement, _ACTIONS, cursor, limit, _told)
        return Page(items=tuple(OperatorActionRow(**row) for row in rows.rows), next=rows.next, previous=rows.previous)


def _report(row: Mapping[Any, Any], now: datetime, holds: Mapping[str, int]) -> WorkerReport:
    silent = max(0.0, (now - row["heartbeat_at"]).total_seconds())
    return WorkerReport(**row, silent_seconds=silent, holds=holds.get(row["worker_id"], 0))


def _count_holds(connection: Connection) -> Mapping[str, int]:
    """Count how many sandboxes each worker holds: only sandboxes in use have holders, and those are few."""
    held = select(sandboxes.c.holders).where(sandboxes.c.status == "active")
    return Counter(holder for text in connection.execute(held).scalars() for holder in json.loads(text))


def _actions(wanted: AuditFilter, dialect: str) -> Select[Any]:
    """Choose requests along their index; the view, which looks for what came of each, is asked only about outcomes."""
    chosen = select(*(key.label(name) for name, key in _ACTIONS.keys.items())).where(_REQUESTED.c.type == REQUESTED)
    if wanted.outcome is not None:
        of_view = operator_actions.c.position == _REQUESTED.c.position
        chosen = chosen.join(operator_actions, of_view).where(operator_actions.c.outcome == wanted.outcome)
    return chosen.where(*_conditions(wanted, dialect))


def _conditions(wanted: AuditFilter, dialect: str) -> Iterator[ColumnElement[bool]]:
    said = {"operator": wanted.operator, "action": wanted.action, "target": wanted.sandbox_id}
    for name, value in said.items():
        if value is not None:
            yield text_in(dialect, _REQUESTED.c.data, name) == value
    if wanted.sandbox_id is not None:
        yield exists().where(sandboxes.c.sandbox_id == wanted.sandbox_id)
    if wanted.correlation_id is not None:
        yield _REQUESTED.c.correlation_id == wanted.correlation_id
    if wanted.since is not None:
        yield _REQUESTED.c.recorded_at >= wanted.since
    if wanted.until is not None:
        yield _REQUESTED.c.recorded_at < wanted.until


def _told(page: Subquery) -> Select[Any]:
    """Select all that is shown of the actions of one page."""
    return select(operator_actions).join(page, page.c.position == operator_actions.c.position)
