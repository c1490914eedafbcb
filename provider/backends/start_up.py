"""Waiting for a new sandbox, the same for every backend whose sandboxes are reached over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from provider.domain.containers import SandboxInfo
from provider.settings import ReadinessSettings


def await_ready(
    info: SandboxInfo, settings: ReadinessSettings, *, still_running: Callable[[], bool], read_log: Callable[[], str]
) -> float:
    """Block until the sandbox answers its readiness check; return the seconds waited."""
    raise NotImplementedError
