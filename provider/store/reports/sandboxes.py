"""Lists of sandboxes: filtered, in an order, page by page, each one with its newest container."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, or_, select, union_all

from provider.domain.search import Search
from provider.ports.reading.paging import DEFAULT_LIMIT, Count, Page
from provider.ports.reading.sandboxes import SandboxRow, SandboxSort
from provider.store.database import Database
from provider.store.reports.matching import any_of, holds, matching
from provider.store.reports.paging import RowOrder, count_rows, read_rows
from provider.store.tables import generations, sandboxes

s, g = sandboxes.c, generations.c
_OF_SANDBOX = {column.name for column in sandboxes.columns}
_SHOWN = [
    s[field.name] if field.name in _OF_SANDBOX - {"container_id"} else g[field.name]
    for field in dataclasses.fields(SandboxRow)
]
_IS_NEWEST = (g.sandbox_id == s.sandbox_id) & (g.generation == s.generation)
_NEWEST = sandboxes.outerjoin(generations, _IS_NEWEST)
_MADE, _HELD = generations.alias("made"), sandboxes.alias("held")


def _of_workers(wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """Made or held by one of the workers; two questions, so that each goes along an index. Who is held is active."""
    made = select(_MADE.c.sandbox_id).join(
        _HELD, (_HELD.c.sandbox_id == _MADE.c.sandbox_id) & (_HELD.c.generation == _MADE.c.generation)
    ).where(any_of(_MADE.c.worker_id, wanted))  # fmt: skip
    held = select(_HELD.c.sandbox_id).where(
        _HELD.c.status == "active", or_(*(holds(_HELD.c.holders, value) for value in wanted))
    )
    return s.sandbox_id.in_(union_all(made, held))


_SEARCHED: Mapping[str, ColumnElement[Any]] = {
    "sandbox_id": s.sandbox_id, "status": s.status, "user": s.user_id, "thread": s.thread_id, "image": g.image,
    "host": g.host, "backend": g.backend, "reason": g.end_reason, "expected": g.expected,
    "at": s.updated_at,
}  # fmt: skip
_KEYS: Mapping[str, ColumnElement[Any]] = {
    "created_at": s.created_at, "updated_at": s.updated_at, "user_id": func.coalesce(s.user_id, ""),
    "status": s.status, "generation": s.generation,
}  # fmt: skip


class SqlSandboxQueries:
    """Reads lists of sandboxes. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_page(
        self,
        search: Search,
        *,
        sort: SandboxSort = "-created_at",
        cursor: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[SandboxRow]:
        """List the sandboxes that match; `since` and `until` bound when they last changed."""
        keys = {"sort_key": _KEYS[sort.removeprefix("-")], "sandbox_id": s.sandbox_id}
        order = RowOrder(f"sandboxes {sort}", keys, sort.startswith("-"), is_chosen_from=not search.is_empty)
        statement = _matching(search).add_columns(s.sandbox_id, keys["sort_key"].label("sort_key"))
        with self._database.reading() as connection:
            rows = read_rows(connection, statement, order, cursor, limit, _with_newest)
        return Page(items=tuple(_row(row) for row in rows.rows), next=rows.next, previous=rows.previous)

    def count(self, search: Search) -> Count:
        """Count the sandboxes that match, up to a cap."""
        with self._database.reading() as connection:
            return count_rows(connection, _matching(search))

    def list_ids(self, search: Search, limit: int) -> Sequence[str]:
        """List the ids of those that match, in the order of the ids."""
        statement = _matching(search).add_columns(s.sandbox_id).order_by(s.sandbox_id).limit(limit)
        with self._database.reading() as connection:
            return connection.execute(statement).scalars().all()


def _matching(search: Search) -> Select[Any]:
    """Choose sandboxes; the newest containers are looked at only where the search asks about them."""
    asks = any(getattr(search, name) for name in ("image", "host", "backend", "reason"))
    chosen = select().select_from(_NEWEST if asks or search.expected is not None else sandboxes)
    return chosen.where(*matching(search, _SEARCHED, {"worker": _of_workers}))


def _with_newest(page: Subquery) -> Select[Any]:
    """Select all that a list shows of the sandboxes of one page: only these are joined with their newest container."""
    joined = page.join(sandboxes, s.sandbox_id == page.c.sandbox_id).outerjoin(generations, _IS_NEWEST)
    return select(*_SHOWN, page.c.sort_key).select_from(joined)


def _row(row: Mapping[Any, Any]) -> SandboxRow:
    shown = {field.name: row[field.name] for field in dataclasses.fields(SandboxRow)}
    return SandboxRow(**{**shown, "holders": tuple(json.loads(shown["holders"]))})
