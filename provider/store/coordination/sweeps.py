"""The sweep's side of the database: everything open in one statement, and one row for each run."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from provider.domain.events import CRASH_REASONS
from provider.domain.log import parse_timestamp
from provider.domain.sweeps import Counts, OpenGeneration, OpenSandbox, Recorded, SweepRow
from provider.domain.workers import WorkerRow
from provider.store.chunks import chunked
from provider.store.coordination.workers import worker_row
from provider.store.database import Database, database_now
from provider.store.states.activity import USED_AT
from provider.store.tables import sandboxes, sweeps, workers

REMEMBERED_SECONDS = 3600.0
"""Workers that ended longer ago are not read; who is not read has lapsed after one lease time all the same."""
INTERRUPTED = "interrupted: its process ended, or another one took the lead"

_CRASHES = ", ".join(f"'{reason}'" for reason in sorted(CRASH_REASONS))
_OPEN = f"""
SELECT s.sandbox_id, s.version, s.status, s.generation, CAST(s.holders AS text), s.retry_at,
    CASE WHEN s.last_activity_at > s.updated_at THEN s.last_activity_at ELSE s.updated_at END,
    g.generation, g.backend, g.worker_id, g.container_id, g.container_name, g.host, g.creating_at,
    g.ended_at IS NOT NULL, g.died_at IS NOT NULL,
    (g.died_at IS NOT NULL OR g.end_reason IN ({_CRASHES})) AND g.evidence_position IS NULL, s.user_id
FROM generations AS g JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id
WHERE g.removed_at IS NULL
UNION ALL
SELECT s.sandbox_id, s.version, s.status, s.generation, CAST(s.holders AS text), s.retry_at,
    CASE WHEN s.last_activity_at > s.updated_at THEN s.last_activity_at ELSE s.updated_at END,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, s.user_id
FROM sandboxes AS s
WHERE s.retry_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM generations AS g WHERE g.sandbox_id = s.sandbox_id AND g.removed_at IS NULL)
"""  # noqa: S608
_COUNTS = tuple(Counts.__dataclass_fields__)


class SqlSweeps:
    """What sweeps read and leave behind. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_open(self) -> Recorded:
        """Read everything that is open, then the workers, in a constant number of statements.

        In this order no holder is missing among the workers: a worker registers before it holds anything. The time is
        read before both, so that nothing looks older than it is.
        """
        now = self._database.now()
        with self._database.translated(), self._database.cursor() as cursor:
            rows = cursor.execute(_OPEN).fetchall()
        if self._database.is_sqlite:
            rows = map(_converted, rows)
        return Recorded(now, _read_sandboxes(rows), self._list_workers())

    def list_generations(self, sandbox_ids: Collection[str]) -> Mapping[str, int]:
        """List the newest generation of each of these sandboxes that was ever recorded."""
        found: dict[str, int] = {}
        wanted = sorted(sandbox_ids)
        with self._database.reading() as connection:
            for ids in chunked(wanted):
                among = sandboxes.c.sandbox_id.in_(ids)
                rows = connection.execute(select(sandboxes.c.sandbox_id, sandboxes.c.generation).where(among))
                found.update({row.sandbox_id: row.generation for row in rows})
        return found

    def find_used_at(self, sandbox_id: str) -> datetime | None:
        """Find when a sandbox was last used, as far as it is on record."""
        with self._database.reading() as connection:
            statement = select(USED_AT).where(sandboxes.c.sandbox_id == sandbox_id)
            found: datetime | None = connection.execute(statement).scalar_one_or_none()
            return found

    def begin(self, sweep_id: str, leader: str, token: int | None) -> datetime:
        """Write down that a sweep begins; runs that an earlier leader left open are closed as interrupted."""
        with self._database.writing() as connection:
            now = database_now(connection)
            if token is not None:
                left = update(sweeps).where(sweeps.c.finished_at.is_(None), sweeps.c.token < token)
                connection.execute(left.values(finished_at=now, error=INTERRUPTED))
            row = {"sweep_id": sweep_id, "started_at": now, "leader": leader, "token": token}
            connection.execute(insert(sweeps), row)
            return now

    def finish(self, sweep_id: str, counts: Counts, error: str | None) -> datetime:
        """Write down how a sweep went; one that was closed as interrupted stays so."""
        values: dict[str, Any] = {name: getattr(counts, name) for name in _COUNTS}
        with self._database.writing() as connection:
            now = database_now(connection)
            mine = update(sweeps).where(sweeps.c.sweep_id == sweep_id, sweeps.c.finished_at.is_(None))
            connection.execute(mine.values(finished_at=now, error=error, **values))
            return now

    def list_recent(self, limit: int = 20) -> Sequence[SweepRow]:
        """List the last runs, the newest first."""
        statement = select(sweeps).order_by(sweeps.c.started_at.desc(), sweeps.c.sweep_id).limit(limit)
        with self._database.reading() as connection:
            return [sweep_row(row) for row in connection.execute(statement).mappings()]

    def forget(self, days: float) -> int:
        """Delete the runs that began longer ago; return how many."""
        with self._database.writing() as connection:
            before = database_now(connection) - timedelta(days=days)
            return connection.execute(delete(sweeps).where(sweeps.c.started_at < before)).rowcount

    def _list_workers(self) -> Sequence[WorkerRow]:
        with self._database.reading() as connection:
            now = database_now(connection)
            lately = workers.c.ended_at > now - timedelta(seconds=REMEMBERED_SECONDS)
            rows = connection.execute(select(workers).where(workers.c.ended_at.is_(None) | lately))
            return [worker_row(row, now) for row in rows]


def _read_sandboxes(rows: Iterable[tuple[Any, ...]]) -> list[OpenSandbox]:
    found: dict[str, tuple[tuple[Any, ...], list[OpenGeneration]]] = {}
    for row in rows:
        _, generations = found.setdefault(row[0], (row, []))
        if row[7] is not None:
            generations.append(OpenGeneration(*row[7:14], *map(bool, row[14:17])))
    return [_open_sandbox(row, generations) for row, generations in found.values()]


def _open_sandbox(row: tuple[Any, ...], generations: list[OpenGeneration]) -> OpenSandbox:
    if len(generations) > 1:
        generations.sort(key=lambda generation: generation.number)
    holders = tuple(json.loads(row[4])) if row[4] != "[]" else ()
    sandbox_id, version, status, generation, _, retry_at, used_at = row[:7]
    return OpenSandbox(sandbox_id, version, status, generation, holders, retry_at, used_at, tuple(generations), row[17])


def _converted(row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(row)
    for place in (5, 6, 13):
        if values[place] is not None:
            values[place] = parse_timestamp(values[place])
    return tuple(values)


def sweep_row(row: Mapping[Any, Any]) -> SweepRow:
    """Turn a row of `sweeps` into a value."""
    return SweepRow(
        sweep_id=row["sweep_id"], started_at=row["started_at"], finished_at=row["finished_at"], leader=row["leader"],
        token=row["token"], counts=Counts(**{name: row[name] for name in _COUNTS}), error=row["error"],
    )  # fmt: skip
