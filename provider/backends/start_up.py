"""Waiting for a new sandbox, the same for every backend whose sandboxes are reached over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from provider.config.settings import ReadinessSettings
from provider.domain.containers import SandboxInfo
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.sandbox.readiness import AnotherSandbox, Expected, StoppedWhileStarting, wait_until_ready


def await_ready(
    info: SandboxInfo, settings: ReadinessSettings, *, still_running: Callable[[], bool], read_log: Callable[[], str]
) -> float:
    """Block until the sandbox answers its readiness check; return the seconds waited.

    Where it has a token, it has to take it and to say that it is this sandbox. Raise `SandboxStartError` (stage
    `readiness`, with the log's end) at the deadline, soon after it stopped running, or when another one answers.
    """
    expected = Expected(info.token, info.sandbox_id, info.generation) if info.token is not None else None
    try:
        return wait_until_ready(
            info.url,
            path=settings.path,
            deadline=time.monotonic() + settings.timeout,
            successes=settings.successes,
            still_running=still_running,
            expected=expected,
        )
    except AnotherSandbox as error:
        advice = (
            "build our image again (`sandbox-ledger image build`); one that knows no tokens needs `sandbox.auth: none`"
        )
        message = f"{error}; {advice}"
        raise SandboxStartError(info.sandbox_id, "readiness", message, log_tail=_read_if_possible(read_log)) from error
    except (TimeoutError, StoppedWhileStarting) as error:
        message = f"{error}; see the log below, and sandbox.readiness for path and time"
        raise SandboxStartError(info.sandbox_id, "readiness", message, log_tail=_read_if_possible(read_log)) from error


def _read_if_possible(read_log: Callable[[], str]) -> str:
    try:
        return read_log()
    except BackendUnavailable as error:
        return f"(no log: {error})"
