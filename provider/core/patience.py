"""Waiting for others: short looks at the ledger until the caller's time is over."""

from __future__ import annotations

import time

from provider.domain.errors import ConfigError, SandboxError

FIRST_POLL_SECONDS = 0.005
LONGEST_POLL_SECONDS = 0.25


class Patience:
    """Waits between looks at the ledger, from 5 ms growing to 250 ms, until the caller's time is over."""

    def __init__(self, timeout: object) -> None:
        if not isinstance(timeout, int | float) or not timeout >= 0:  # which NaN is not either
            raise ConfigError(f"acquire: timeout {timeout!r} is no number of seconds from 0 upward")
        self._deadline = time.monotonic() + timeout
        self._pause = FIRST_POLL_SECONDS

    def wait(self, blocked: SandboxError) -> None:
        """Pause once; at the deadline raise what the caller is blocked by."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise blocked
        time.sleep(min(self._pause, left))
        self._pause = min(LONGEST_POLL_SECONDS, self._pause * 1.5)
