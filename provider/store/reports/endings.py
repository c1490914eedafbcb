"""Evictions and restarts: the audit views, filtered, the newest first, page by page.

The rows of a page are chosen among the containers themselves, along their indexes; only what is shown of them comes
from the views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, literal, null, select

from provider.domain.search import Search
from provider.ports.reading.audit import EvictionRow, RestartRow
from provider.ports.reading.paging import DEFAULT_LIMIT, Count, Page
from provider.store.database import Database
from provider.store.reports.matching import matching
from provider.store.reports.paging import RowOrder, count_rows, read_rows
from provider.store.reports.views import evictions, restarts
from provider.store.tables import generations, sandboxes

RESTARTS_CAP = 1_000
"""Each one counted costs a look at the container before it."""

Keys = Mapping[str, ColumnElement[Any]]

g, s, e, r = generations.c, sandboxes.c, evictions.c, restarts.c
_WHOSE = generations.join(sandboxes, s.sandbox_id == g.sandbox_id)
_ENDED_KEY: Keys = {"evicted_at": g.ended_at, "sandbox_id": g.sandbox_id, "generation": g.generation}
_BEGUN_KEY: Keys = {"creating_at": g.creating_at, "sandbox_id": g.sandbox_id, "to_generation": g.generation}
_SEARCHED: Keys = {
    "sandbox_id": g.sandbox_id, "status": s.status, "user": s.user_id, "thread": s.thread_id, "image": g.image,
    "host": g.host, "worker": g.worker_id, "backend": g.backend,
}  # fmt: skip
_EVICTIONS_SEARCHED: Keys = {**_SEARCHED, "reason": g.end_reason, "expected": g.expected, "at": g.ended_at}
_RESTARTS_SEARCHED: Keys = {**_SEARCHED, "reason": r.cause, "expected": r.expected, "at": g.creating_at}
_IS_SHOWN = (r.sandbox_id == g.sandbox_id) & (r.to_generation == g.generation)
_EARLIER = generations.alias("earlier")
_USED_BEFORE = select(literal(1)).where(
    _EARLIER.c.sandbox_id == g.sandbox_id, _EARLIER.c.generation < g.generation, _EARLIER.c.ready_at.is_not(None)
)  # fmt: skip
_FOLLOWS = _USED_BEFORE.limit(1).scalar_subquery().is_not(None)
"""One that was in use came before it, as the view has it. Asked for each row that is looked at: as a plain EXISTS,
PostgreSQL would first read all containers."""


class SqlEndingQueries:
    """Reads evictions and restarts. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_evictions(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[EvictionRow]:
        """List evictions, the newest first."""
        order = RowOrder("evictions", _ENDED_KEY, is_chosen_from=not search.is_empty)
        statement = _evictions(search).add_columns(*(key.label(name) for name, key in _ENDED_KEY.items()))
        with self._database.reading() as connection:
            rows = read_rows(connection, statement, order, cursor, limit, _evicted)
        return Page(items=tuple(EvictionRow(**row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def list_restarts(
        self, search: Search, *, cursor: str | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[RestartRow]:
        """List restarts, the newest first: by when the new container was begun."""
        order = RowOrder("restarts", _BEGUN_KEY, is_chosen_from=not search.is_empty)
        statement = _restarts(search).add_columns(*(key.label(name) for name, key in _BEGUN_KEY.items()))
        with self._database.reading() as connection:
            rows = read_rows(connection, statement, order, cursor, limit, _restarted)
        return Page(items=tuple(_restart(row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def count_evictions(self, search: Search) -> Count:
        """Count evictions, up to a cap."""
        with self._database.reading() as connection:
            return count_rows(connection, _evictions(search))

    def count_restarts(self, search: Search) -> Count:
        """Count restarts, up to a cap."""
        with self._database.reading() as connection:
            return count_rows(connection, _restarts(search), RESTARTS_CAP)


def _evictions(search: Search) -> Select[Any]:
    """Choose containers that were taken out of use."""
    if search.is_empty:
        return select().select_from(generations).where(g.ended_at.is_not(None), g.end_reason.is_not(None))
    # Said so that SQLite does not think an index over all that ended narrows anything down.
    was_evicted = func.coalesce(g.end_reason, null()).is_not(None)
    among = _WHOSE if _asks_whose(search) else generations
    return select().select_from(among).where(was_evicted, *matching(search, _EVICTIONS_SEARCHED))


def _restarts(search: Search) -> Select[Any]:
    """Choose new containers; the view, which looks up the old ones, is asked only about those."""
    among = _WHOSE if _asks_whose(search) else generations
    if search.reason or search.expected is not None:
        among = among.join(restarts, _IS_SHOWN)
    chosen = select().select_from(among).where(g.generation > 1, *matching(search, _RESTARTS_SEARCHED))
    return chosen if search.reason or search.expected is not None else chosen.where(_FOLLOWS)


def _asks_whose(search: Search) -> bool:
    return bool(search.status or search.user or search.thread or search.words)


def _evicted(page: Subquery) -> Select[Any]:
    """Select all that is shown of the evictions of one page."""
    same = (e.sandbox_id == page.c.sandbox_id) & (e.generation == page.c.generation)
    return select(evictions).select_from(page.join(evictions, same))


def _restarted(page: Subquery) -> Select[Any]:
    """Select all that is shown of the restarts of one page."""
    same = (r.sandbox_id == page.c.sandbox_id) & (r.to_generation == page.c.to_generation)
    shown = (column for column in r if column.name != "expected")
    return select(*shown, page.c.creating_at).select_from(page.join(restarts, same))


def _restart(row: Mapping[Any, Any]) -> RestartRow:
    return RestartRow(**{name: value for name, value in row.items() if name != "creating_at"})
