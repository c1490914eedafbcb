"""Leases with fencing tokens: one holder at a time by the database's clock, and a number that only grows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text, update

from provider.domain.sweeps import LeaseRow
from provider.store.database import Database, database_now
from provider.store.tables import leases
from provider.store.types import UtcTimestamp

_FREE = text(
    "INSERT INTO leases (name, holder, token, expires_at) VALUES (:name, :holder, :token, :expires_at) "
    "ON CONFLICT DO NOTHING"
).bindparams(bindparam("expires_at", type_=UtcTimestamp()))


class SqlLeases:
    """Named leases. Safe from any thread; raises `StoreUnavailable`.

    A lease that is not renewed in time passes to the next who asks; each passing raises its token by one, so that a
    holder that wakes up late can be told from the present one (Kleppmann, "How to do distributed locking", 2016).
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or renew a lease; return its token, or None while somebody else holds it."""
        with self._database.writing() as connection:
            now = database_now(connection)
            until = now + timedelta(seconds=seconds)
            connection.execute(_FREE, {"name": name, "holder": "", "token": 0, "expires_at": now})
            row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).one()
            if row.holder != holder and row.expires_at > now:
                return None
            renewed = row.holder == holder and row.expires_at > now
            token = int(row.token) if renewed else int(row.token) + 1
            taken = {"holder": holder, "token": token, "expires_at": until}
            connection.execute(update(leases).where(leases.c.name == name).values(**taken))
            return token

    def holds(self, name: str, holder: str, token: int) -> bool:
        """Whether the lease is still this holder's, under this token and in time."""
        with self._database.reading() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            now = database_now(connection)
        return row is not None and (row.holder, row.token) == (holder, token) and row.expires_at > now

    def find(self, name: str) -> LeaseRow | None:
        """Find a lease, whoever holds it; one that nobody ever took is None."""
        with self._database.reading() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            now = database_now(connection)
        return lease_row(row, now) if row is not None and row.holder else None

    def release(self, name: str, holder: str) -> None:
        """Return a lease early. Idempotent; the token stays used."""
        with self._database.writing() as connection:
            mine = update(leases).where(leases.c.name == name, leases.c.holder == holder)
            connection.execute(mine.values(expires_at=database_now(connection)))


def lease_row(row: Any, now: datetime) -> LeaseRow:
    """Turn a row of `leases` into a value, with what is left of it at a moment."""
    return LeaseRow(row.name, row.holder, int(row.token), row.expires_at, (row.expires_at - now).total_seconds())
