"""The latest containers that ended unwanted."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, select, union_all

from provider.reports.fleet import UnexpectedEnd
from provider.store.tables import generations, sandboxes

g = generations.c
_SHOWN = (
    g.sandbox_id, g.generation, g.image, g.host, g.worker_id, func.coalesce(g.died_at, g.ended_at).label("ended_at"),
    g.end_reason.label("reason"), g.exit_code, g.oom_killed, g.detected_by,
)  # fmt: skip
_ENDED = select(*_SHOWN).where(g.expected.is_(False), g.end_reason.is_not(None)).order_by(g.ended_at.desc())
"""Along the index of what ended unwanted."""
_STILL_OPEN = select(*_SHOWN).where(g.removed_at.is_(None), g.ended_at.is_(None), g.died_at.is_not(None))
"""Dead and not examined yet, along the index of what is open."""


def list_latest_ends(connection: Connection, limit: int) -> tuple[UnexpectedEnd, ...]:
    """List the latest unexpected ends, the newest first."""
    both = union_all(_first(_ENDED, limit), _first(_STILL_OPEN.order_by(g.died_at.desc()), limit)).subquery("latest")
    statement = (
        select(both, sandboxes.c.user_id, sandboxes.c.thread_id)
        .join(sandboxes, sandboxes.c.sandbox_id == both.c.sandbox_id)
        .order_by(both.c.ended_at.desc(), both.c.sandbox_id, both.c.generation.desc())
        .limit(limit)
    )
    return tuple(UnexpectedEnd(**row) for row in connection.execute(statement).mappings())


def _first(statement: Select[tuple[object, ...]], limit: int) -> Select[tuple[object, ...]]:
    return select(statement.limit(limit).subquery())
