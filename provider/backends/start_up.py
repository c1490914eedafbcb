"""Waiting for a new sandbox, the same for every backend whose sandboxes are reached over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from provider.config.settings import ReadinessSettings
from provider.domain.containers import SandboxInfo
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.sandbox.readiness import StoppedWhileStarting, wait_until_ready


def await_ready(
    info: SandboxInfo, settings: ReadinessSettings, *, still_running: Callable[[], bool], read_log: Callable[[], str]
) -> float:
    """Block until the sandbox answers its readiness check; return the seconds waited.

    Raise `SandboxStartError` (stage `readiness`, with the log's end) at the deadline, or soon after it stopped running.
    """
    try:
        return wait_until_ready(
            info.url,
            path=settings.path,
            deadline=time.monotonic() + settings.timeout,
            successes=settings.successes,
            still_running=still_running,
        )
    except (TimeoutError, StoppedWhileStarting) as error:
        message = f"{error}; see the log below, and sandbox.readiness for path and time"
        raise SandboxStartError(info.sandbox_id, "readiness", message, log_tail=_read_if_possible(read_log)) from error


def _read_if_possible(read_log: Callable[[], str]) -> str:
    try:
        return read_log()
    except BackendUnavailable as error:
        return f"(no log: {error})"
