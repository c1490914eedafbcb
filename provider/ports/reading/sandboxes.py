"""Sandboxes as a list shows them, and one sandbox as it was at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain.state import Generation, SandboxState

SandboxSort = Literal["created_at", "-created_at", "updated_at", "-updated_at", "user_id", "status", "-generation"]
"""The orders a list of sandboxes has; with a minus the largest comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRow:
    """One sandbox in a list, with its newest container: image, host, and how that one ended, if it did."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    status: str
    generation: int
    holders: tuple[str, ...]
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    last_activity_at: datetime | None
    backend: str | None
    image: str | None
    host: str | None
    worker_id: str | None
    container_id: str | None
    container_name: str | None
    started_at: datetime | None
    ready_at: datetime | None
    died_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    expected: bool | None
    exit_code: int | None
    oom_killed: bool | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAsOf:
    """One sandbox as it was once: the fold of its events up to a position.

    `generations` are all it had had by then, the oldest first; `recorded_at` is the time of the last event folded, None
    when the sandbox did not exist yet.
    """

    position: int
    recorded_at: datetime | None
    state: SandboxState
    generations: tuple[Generation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRecord:
    """One row of `sandboxes`, as the read side shows it; the field names are the column names."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    status: str
    generation: int
    holders: tuple[str, ...]
    container_id: str | None
    url: str | None
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    last_activity_at: datetime | None
    crashes: tuple[tuple[str, float], ...] = ()
