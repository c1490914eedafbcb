"""Activity times: heartbeats, not history, so they are columns that move and no events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case

from provider.domain.log import format_timestamp
from provider.store.database import Database, host_now
from provider.store.engine import immediate_transaction
from provider.store.tables import sandboxes

OLDEST_SECONDS = 1e9

_noted, _changed = sandboxes.c.last_activity_at, sandboxes.c.updated_at
USED_AT = case((_noted > _changed, _noted), else_=_changed)
"""When a sandbox was last used, as far as it is on record. Activity is written in batches: what was recorded after the
last batch is the later use."""

# One statement, so that no row is locked while a client that was stopped in between owes the next one; the rows are
# locked in the order of their ids, so that two of them cannot wait for each other.
_POSTGRES = """
WITH used AS MATERIALIZED (
    SELECT s.sandbox_id, clock_timestamp() - make_interval(secs => u.age) AS moment
    FROM sandboxes AS s JOIN unnest($1::text[], $2::float8[]) AS u (sandbox_id, age) ON u.sandbox_id = s.sandbox_id
    ORDER BY s.sandbox_id FOR NO KEY UPDATE OF s
)
UPDATE sandboxes AS s SET last_activity_at = greatest(s.last_activity_at, used.moment)
FROM used WHERE s.sandbox_id = used.sandbox_id
"""
_SQLITE = "UPDATE sandboxes SET last_activity_at = max(coalesce(last_activity_at, ''), ?) WHERE sandbox_id = ?"


def move_activity(database: Database, ages: Mapping[str, float]) -> None:
    """Move activity times forward: each sandbox was used that many seconds ago, by the database's clock."""
    clamped = {sandbox_id: min(max(0.0, float(age)), OLDEST_SECONDS) for sandbox_id, age in ages.items()}
    with database.translated(), database.cursor() as cursor:
        if not database.is_sqlite:
            cursor.execute(_POSTGRES, (list(clamped), list(clamped.values())))
            return
        with immediate_transaction(cursor):
            now = host_now()
            cursor.executemany(_SQLITE, [_moved(now, *item) for item in clamped.items()])


def _moved(now: datetime, sandbox_id: str, age: float) -> tuple[Any, ...]:
    return format_timestamp(now - timedelta(seconds=age)), sandbox_id
