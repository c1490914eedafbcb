"""Evictions and restarts: the audit views, filtered, the newest first, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, select

from provider.domain.search import Search
from provider.reports.audit import EvictionRow, RestartRow
from provider.reports.paging import DEFAULT_LIMIT, Count, Page
from provider.store.reports.matching import matching
from provider.store.reports.paging import Order, count_rows, read_rows
from provider.store.reports.reading import Reading
from provider.store.reports.views import evictions, restarts
from provider.store.tables import generations, sandboxes

e, r = evictions.c, restarts.c
_NEW = generations.alias("new")
"""The new container's own row: what the restarts are put in order by, and found along its index."""
_EVICTIONS = Order(
    "evictions", {"evicted_at": e.evicted_at, "sandbox_id": e.sandbox_id, "generation": e.generation}
)  # fmt: skip
_RESTARTS = Order(
    "restarts",
    {"creating_at": _NEW.c.creating_at, "sandbox_id": _NEW.c.sandbox_id, "to_generation": _NEW.c.generation},
)
_STATUS = select(sandboxes.c.status).scalar_subquery()


def _status_of(sandbox_id: ColumnElement[Any]) -> ColumnElement[Any]:
    return _STATUS.where(sandboxes.c.sandbox_id == sandbox_id)


_EVICTIONS_SEARCHED: Mapping[str, ColumnElement[Any]] = {
    "sandbox_id": e.sandbox_id, "status": _status_of(e.sandbox_id), "user": e.user_id, "thread": e.thread_id,
    "image": e.image, "host": e.host, "worker": e.worker_id, "backend": e.backend, "reason": e.reason,
    "expected": e.expected, "at": e.evicted_at,
}  # fmt: skip
_RESTARTS_SEARCHED: Mapping[str, ColumnElement[Any]] = {
    "sandbox_id": r.sandbox_id, "status": _status_of(r.sandbox_id), "user": r.user_id, "thread": r.thread_id,
    "image": r.image, "host": r.host, "worker": r.worker_id, "backend": _NEW.c.backend, "reason": r.cause,
    "expected": r.expected, "at": _NEW.c.creating_at,
}  # fmt: skip


class SqlEndingQueries:
    """Reads evictions and restarts. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._reading = Reading(engine, url)

    def list_evictions(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[EvictionRow]:
        """List evictions, the newest first."""
        statement = _evictions(search)
        rows = self._reading.once(lambda connection: read_rows(connection, statement, _EVICTIONS, cursor, limit))
        return Page(items=tuple(EvictionRow(**row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def list_restarts(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[RestartRow]:
        """List restarts, the newest first: by when the new container was begun."""
        statement = _restarts(search)
        rows = self._reading.once(lambda connection: read_rows(connection, statement, _RESTARTS, cursor, limit))
        return Page(items=tuple(_restart(row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def count_evictions(self, search: Search) -> Count:
        """Count evictions, up to a cap."""
        return self._reading.once(lambda connection: count_rows(connection, _evictions(search)))

    def count_restarts(self, search: Search) -> Count:
        """Count restarts, up to a cap."""
        return self._reading.once(lambda connection: count_rows(connection, _restarts(search)))


def _evictions(search: Search) -> Select[Any]:
    return select(evictions).where(*matching(search, _EVICTIONS_SEARCHED))


def _restarts(search: Search) -> Select[Any]:
    same = (r.sandbox_id == _NEW.c.sandbox_id) & (r.to_generation == _NEW.c.generation)
    shown = (column for column in r if column.name != "expected")
    statement = select(*shown, _NEW.c.creating_at).select_from(_NEW.join(restarts, same))
    return statement.where(_NEW.c.generation > 1, *matching(search, _RESTARTS_SEARCHED))


def _restart(row: Mapping[Any, Any]) -> RestartRow:
    return RestartRow(**{name: value for name, value in row.items() if name != "creating_at"})
