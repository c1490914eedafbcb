"""The queue for capacity: who waits for a free place, oldest first, across all workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, not_, or_, select, update

from provider.domain.ids import sandbox_stream
from provider.domain.policy import Queue
from provider.store.database import Database, database_now
from provider.store.states.activity import USED_AT
from provider.store.tables import events, ledger_head, sandboxes, waiters

FORGOTTEN_SECONDS = 5.0
"""A waiter not seen for this long has died and blocks nobody."""


class SqlWaiters:
    """The queue. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, waiter_id: str) -> Queue:
        """Return the queue as seen from a waiter's place; one that has not joined stands at its end."""
        with self._database.reading() as connection:
            now = database_now(connection)
            mine = select(waiters.c.enqueued_at).where(waiters.c.waiter_id == waiter_id)
            enqueued = connection.execute(mine).scalar_one_or_none()
            alive = waiters.c.seen_at > now - timedelta(seconds=FORGOTTEN_SECONDS)
            ahead = select(func.count()).select_from(waiters).where(alive, waiters.c.waiter_id != waiter_id)
            if enqueued is not None:
                same = (waiters.c.enqueued_at == enqueued) & (waiters.c.waiter_id < waiter_id)
                ahead = ahead.where(or_(waiters.c.enqueued_at < enqueued, same))
            live = connection.execute(select(ledger_head.c.live)).scalar_one()
            return Queue(int(live), int(connection.execute(ahead).scalar_one()))

    def join(self, waiter_id: str, user_id: str | None) -> None:
        """Join the queue, or confirm that one still waits; the place is that of the first call."""
        with self._database.writing() as connection:
            now = database_now(connection)
            seen = update(waiters).where(waiters.c.waiter_id == waiter_id).values(seen_at=now)
            if connection.execute(seen).rowcount == 0:
                row = {"waiter_id": waiter_id, "user_id": user_id, "enqueued_at": now, "seen_at": now}
                connection.execute(insert(waiters), row)

    def leave(self, waiter_id: str) -> None:
        """Leave the queue, and clear away who died in it. Idempotent."""
        with self._database.writing() as connection:
            dead = database_now(connection) - timedelta(seconds=10 * FORGOTTEN_SECONDS)
            connection.execute(delete(waiters).where(or_(waiters.c.waiter_id == waiter_id, waiters.c.seen_at < dead)))

    def list_warm(self, limit: int, user_id: str | None = None, *, spared_seconds: float = 0.0) -> Sequence[str]:
        """List warm sandboxes (of one user, when given), the least recently used first.

        Without those that a lost worker's release has made warm within `spared_seconds`.
        """
        statement = select(sandboxes.c.sandbox_id).where(sandboxes.c.status == "warm")
        if user_id is not None:
            statement = statement.where(sandboxes.c.user_id == user_id)
        with self._database.reading() as connection:
            since = database_now(connection) - timedelta(seconds=spared_seconds)
            statement = statement.where(or_(sandboxes.c.updated_at <= since, not_(_was_lost_since(since))))
            return connection.execute(statement.order_by(USED_AT, sandboxes.c.sandbox_id).limit(limit)).scalars().all()

    def is_spared(self, sandbox_id: str, seconds: float) -> bool:
        """Whether a lost worker's hold on a sandbox was released within these seconds."""
        with self._database.reading() as connection:
            since = database_now(connection) - timedelta(seconds=seconds)
            statement = select(_was_lost_since(since)).where(sandboxes.c.sandbox_id == sandbox_id)
            return bool(connection.execute(statement).scalar())


def _was_lost_since(since: datetime) -> ColumnElement[bool]:
    # Only a sweep releases for another worker, and only for one that is lost.
    return exists().where(
        events.c.stream == literal(sandbox_stream("")) + sandboxes.c.sandbox_id,
        events.c.type == "SandboxReleased",
        events.c.actor.like("sweeper:%"),
        events.c.recorded_at > since,
    )
