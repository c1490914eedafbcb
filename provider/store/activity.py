"""Activity times: heartbeats, not history, so they are columns that move and no events."""

from __future__ import annotations

import functools

from sqlalchemy import TextClause, text

_POSTGRES = """
UPDATE sandboxes SET last_activity_at = greatest(last_activity_at, clock_timestamp() - make_interval(secs => :age))
WHERE sandbox_id = :id
"""
_SQLITE = """
UPDATE sandboxes
SET last_activity_at = max(coalesce(last_activity_at, ''),
    strftime('%Y-%m-%dT%H:%M:%f', 'now', '-' || :age || ' seconds') || '000Z')
WHERE sandbox_id = :id
"""


@functools.cache
def touch_statement(dialect: str) -> TextClause:
    """Write the statement that moves one sandbox's activity time to `:age` seconds before the database's now."""
    return text(_SQLITE if dialect == "sqlite" else _POSTGRES)
