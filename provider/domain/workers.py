"""Workers as the ledger knows them, and the decisions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain import events as ev


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker process; `silent_seconds` is the age of its last heartbeat by the database's clock."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    ended_as: str | None
    silent_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One recurring job of a worker; `seconds_ago` is None before its first run, `error` what the last run raised."""

    name: str
    every_seconds: float
    runs: int
    seconds_ago: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class WorkerJobs:
    """The jobs of a worker that has not ended, as of now by the database's clock."""

    worker_id: str
    silent_seconds: float
    jobs: Sequence[JobRow]


def has_lapsed(row: WorkerRow | None, lease_seconds: float, unseen_seconds: float) -> bool:
    """Return whether nothing more is to be expected of a worker.

    A worker that is not registered (`row` is None) may just be starting: it has lapsed only after one full lease time,
    counted from `unseen_seconds` ago.
    """
    if row is None:
        return unseen_seconds > lease_seconds
    return row.ended_at is not None or row.silent_seconds > lease_seconds


def decide_worker_started(stream: Sequence[ev.Event], worker_id: str, host: str, pid: int) -> list[ev.Event]:
    """Record that a worker joined, or came back after it was declared lost; nothing when it is there."""
    if stream and isinstance(stream[-1], ev.WorkerStarted):
        return []
    return [ev.WorkerStarted(worker_id=worker_id, host=host, pid=pid)]


def decide_worker_stopped(stream: Sequence[ev.Event], worker_id: str) -> list[ev.Event]:
    """Record that a worker left in order; nothing when it is gone already."""
    return [ev.WorkerStopped(worker_id=worker_id)] if _is_there(stream) else []


def decide_worker_lost(stream: Sequence[ev.Event], row: WorkerRow, lease_seconds: float) -> list[ev.Event]:
    """Declare a worker lost; nothing when it is gone already or its heart beats again."""
    if not _is_there(stream) or row.silent_seconds <= lease_seconds:
        return []
    return [ev.WorkerLost(worker_id=row.worker_id, last_heartbeat_at=row.heartbeat_at)]


def find_end(stream: Sequence[ev.Event], *, is_silent: bool) -> Literal["stopped", "lost"] | None:
    """Return how a worker ended, None while it is there; one that fell silent before it had joined is lost."""
    if not stream:
        return "lost" if is_silent else None
    if isinstance(stream[-1], ev.WorkerStopped):
        return "stopped"
    return "lost" if isinstance(stream[-1], ev.WorkerLost) else None


def _is_there(stream: Sequence[ev.Event]) -> bool:
    return bool(stream) and isinstance(stream[-1], ev.WorkerStarted)
