"""Worker heartbeats: one row per worker process, moved by its own thread; all times are the database's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Update, insert, select, update

from provider.domain.workers import JobRow, WorkerJobs, WorkerRow
from provider.store.database import Database, database_now, statement_now
from provider.store.tables import sandboxes, workers


class SqlWorkerRegistry:
    """The workers of a ledger. Safe from any thread; raises `StoreUnavailable`.

    The database's engine is its own, so that a heartbeat never waits for a connection that the use cases have taken.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, worker_id: str, host: str, pid: int) -> None:
        """Add a worker, or revive one that was declared lost too early."""
        with self._database.writing() as connection:
            now = database_now(connection)
            revived = update(workers).where(workers.c.worker_id == worker_id)
            if connection.execute(revived.values(heartbeat_at=now, ended_at=None, ended_as=None)).rowcount == 0:
                row = {"worker_id": worker_id, "host": host, "pid": pid, "started_at": now, "heartbeat_at": now}
                connection.execute(insert(workers), row)

    def beat(self, worker_id: str, jobs: Sequence[JobRow] = ()) -> bool:
        """Move the heartbeat to now and say how the jobs are; False when the worker is not registered as running."""
        told = json.dumps([asdict(job) for job in jobs], ensure_ascii=True, separators=(",", ":"))
        with self._database.writing_once() as connection:
            beating = _running(worker_id).values(heartbeat_at=statement_now(connection), jobs=told)
            return connection.execute(beating).rowcount == 1

    def end(self, worker_id: str, ended_as: str) -> None:
        """Mark a worker as `stopped` or `lost`. Idempotent."""
        with self._database.writing_once() as connection:
            ended = _running(worker_id).values(ended_at=statement_now(connection), ended_as=ended_as)
            connection.execute(ended)

    def find(self, worker_id: str) -> WorkerRow | None:
        """Find one worker, with its heartbeat's age."""
        with self._database.reading() as connection:
            row = connection.execute(select(workers).where(workers.c.worker_id == worker_id)).one_or_none()
            return worker_row(row, database_now(connection)) if row is not None else None

    def list_running(self) -> Sequence[WorkerRow]:
        """List the workers that have not ended, the most silent one first."""
        statement = select(workers).where(workers.c.ended_at.is_(None)).order_by(workers.c.heartbeat_at)
        with self._database.reading() as connection:
            now = database_now(connection)
            return [worker_row(row, now) for row in connection.execute(statement)]

    def list_jobs(self) -> Sequence[WorkerJobs]:
        """List the jobs of the workers that have not ended, as their last heartbeat told them."""
        columns = (workers.c.worker_id, workers.c.heartbeat_at, workers.c.jobs)
        statement = select(*columns).where(workers.c.ended_at.is_(None)).order_by(workers.c.worker_id)
        with self._database.reading() as connection:
            now = database_now(connection)
            return [_read_jobs(row, now) for row in connection.execute(statement)]

    def list_ended_holders(self) -> Sequence[str]:
        """List the workers that have ended and still hold sandboxes."""
        held = select(sandboxes.c.holders).where(sandboxes.c.status == "active")
        with self._database.reading() as connection:
            holders = {holder for text in connection.execute(held).scalars() for holder in json.loads(text)}
            ended = select(workers.c.worker_id).where(workers.c.ended_at.is_not(None))
            among = ended.where(workers.c.worker_id.in_(sorted(holders))).order_by(workers.c.worker_id)
            return connection.execute(among).scalars().all() if holders else []

    def close(self) -> None:
        """Close its connections. Idempotent."""
        self._database.close()


def _running(worker_id: str) -> Update:
    return update(workers).where(workers.c.worker_id == worker_id, workers.c.ended_at.is_(None))


def _read_jobs(row: Any, now: datetime) -> WorkerJobs:
    silent = max(0.0, (now - row.heartbeat_at).total_seconds())
    jobs = [JobRow(**job) for job in json.loads(row.jobs)]
    aged = [replace(job, seconds_ago=job.seconds_ago + silent) if job.seconds_ago is not None else job for job in jobs]
    return WorkerJobs(row.worker_id, silent, tuple(aged))


def worker_row(row: Any, now: datetime) -> WorkerRow:
    """Turn a row of `workers` into a value, with its heartbeat's age at a moment."""
    return WorkerRow(
        row.worker_id, row.host, row.pid, row.started_at, row.heartbeat_at, row.ended_at, row.ended_as,
        max(0.0, (now - row.heartbeat_at).total_seconds()),
    )  # fmt: skip
