"""The latest containers that ended unwanted."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, select, union_all

from provider.domain.events import UNEXPECTED_REASONS
from provider.ports.reading.fleet import UnexpectedEnd
from provider.store.tables import generations, sandboxes

g = generations.c
_AT = func.coalesce(g.died_at, g.ended_at)
_SHOWN = (
    g.sandbox_id, g.generation, g.image, g.host, g.worker_id, _AT.label("ended_at"),
    g.end_reason.label("reason"), g.exit_code, g.oom_killed, g.detected_by,
)  # fmt: skip
_REASONS = sorted(UNEXPECTED_REASONS)
_STILL_OPEN = select(*_SHOWN).where(g.removed_at.is_(None), g.ended_at.is_(None), _AT.is_not(None))
"""Dead and not examined yet: among the few that are open, not among all deaths, whose index SQLite would prefer."""


def list_latest_ends(connection: Connection, limit: int) -> tuple[UnexpectedEnd, ...]:
    """List the latest unexpected ends, the newest first: a few for each reason along its index, then the newest."""
    ended = (select(*_SHOWN).where(g.end_reason == reason).order_by(g.ended_at.desc()) for reason in _REASONS)
    parts = (_first(part, limit) for part in (*ended, _STILL_OPEN.order_by(_AT.desc())))
    both = union_all(*parts).subquery("latest")
    statement = (
        select(both, sandboxes.c.user_id, sandboxes.c.thread_id)
        .join(sandboxes, sandboxes.c.sandbox_id == both.c.sandbox_id)
        .order_by(both.c.ended_at.desc(), both.c.sandbox_id, both.c.generation.desc())
        .limit(limit)
    )
    return tuple(UnexpectedEnd(**row) for row in connection.execute(statement).mappings())


def _first(statement: Select[tuple[object, ...]], limit: int) -> Select[tuple[object, ...]]:
    return select(statement.limit(limit).subquery())
