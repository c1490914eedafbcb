"""Rows of the audit views and of the lists beside them; the field names are the column names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictionRow:
    """One container that was taken out of use."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    generation: int
    backend: str
    image: str
    host: str | None
    worker_id: str | None
    container_id: str | None
    container_name: str
    evicted_at: datetime
    reason: str
    expected: bool
    exit_code: int | None
    oom_killed: bool | None
    died_at: datetime | None
    detected_at: datetime | None
    detected_by: str | None
    detection_seconds: float | None
    removed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRow:
    """One sandbox that went on in a new container; without `restarted_at` the new one is not ready (yet)."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    from_generation: int
    to_generation: int
    cause: str | None
    exit_code: int | None
    oom_killed: bool | None
    died_at: datetime | None
    detected_at: datetime | None
    detected_by: str | None
    detection_seconds: float | None
    restarted_at: datetime | None
    downtime_seconds: float | None
    old_container_id: str | None
    new_container_id: str | None
    old_container_name: str
    new_container_name: str
    image: str
    host: str | None
    worker_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """One worker process; `silent_seconds` is the age of its heartbeat, `holds` how many sandboxes it holds now."""

    worker_id: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    ended_as: str | None
    silent_seconds: float
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActionRow:
    """What an operator asked for, and what came of it; without `outcome` it is under way or was interrupted."""

    position: int
    requested_at: datetime
    operator: str
    action: str
    target: str
    sandbox_id: str | None
    reason: str
    correlation_id: str
    command_id: str | None
    outcome: str | None
    detail: str | None
    completed_at: datetime | None
    duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which operator actions are wanted; None chooses nothing out."""

    operator: str | None = None
    action: str | None = None
    sandbox_id: str | None = None
    outcome: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
