"""Containers as values: what to start, what was started, what a dead one left behind, and what was lost with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LOG_TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One container to create; the backend adds image, limits and security from its own settings.

    `token` is what the server inside has to ask for, None where it asks for nothing.
    """

    sandbox_id: str
    generation: int
    user_id: str | None = None
    thread_id: str | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """One container as a backend knows it.

    `container_id` is None where the backend has no container to check (it is then never checked).
    `host` names the machine the container runs on; `url` is where its HTTP API answers. `backend` is the one that made
    it, by the record (empty where the backend itself tells): another kind of backend cannot say anything about it.
    `token` is what its server asks for, as long as it is started.
    """

    sandbox_id: str
    generation: int
    container_id: str | None
    container_name: str
    host: str
    url: str
    backend: str = field(default="", compare=False)
    token: str | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine really enforced; None means no limit."""

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a container that ended; collected before it is removed.

    `found` is False when the engine has no such container any more; the other fields are then empty.
    `log_tail` holds at most `LOG_TAIL_BYTES` bytes, redacted, without NUL.
    """

    found: bool
    exit_code: int | None = None
    oom_killed: bool = False
    engine_error: str = ""
    finished_at: datetime | None = None
    limits: Limits = field(default_factory=Limits)
    log_tail: str = ""


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was lost before this generation: the files and processes of a container that died."""

    previous_generation: int
    cause: str
    exit_code: int | None = None
    died_at: datetime | None = None
    downtime_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Discovered:
    """A labelled container of this ledger found on the engine, running or not."""

    info: SandboxInfo
    running: bool
    created_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
