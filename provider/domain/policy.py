"""Policies: pure rules over the recorded state, with their settings as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

REMEMBERED_CRASHES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many sandboxes may be live (being made, in use, or warm) in the ledger, and of one user (None: no limit)."""

    replicas: int
    per_user: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """What a waiter for capacity sees: how many sandboxes are live, and how many waiters stand before it."""

    live: int
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """One unexpected death: when it was recorded, and how long the container had been ready before."""

    at: datetime
    uptime_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffPolicy:
    """Crash-loop back-off, after the scheme of the kubelet's: free tries, then doubling delays up to a maximum.

    All in seconds but `free`, the number of crashes within `window` that are followed by an immediate restart. A
    container that stayed up for `reset_after` forgives the crashes before it.
    """

    free: int = 3
    window: float = 600.0
    initial: float = 10.0
    max: float = 300.0
    reset_after: float = 600.0

    def count(self, crashes: Sequence[Crash], now: datetime) -> int:
        """Count the crashes that still weigh: within the window, and since the last healthy run."""
        counted = 0
        for crash in reversed(crashes):
            if (now - crash.at).total_seconds() > self.window:
                break
            counted += 1
            if crash.uptime_seconds >= self.reset_after:
                break
        return counted

    def retry_at(self, crashes: Sequence[Crash], now: datetime) -> datetime | None:
        """Return when the sandbox may start again; None for at once."""
        excess = self.count(crashes, now) - self.free
        if excess <= 0:
            return None
        return now + timedelta(seconds=min(self.max, self.initial * 2.0 ** min(excess - 1, 32)))
