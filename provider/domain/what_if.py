"""What would have happened under another policy: the recorded demand, replayed.

Demand is what no policy changes: who wanted which sandbox when and let go of it when, which containers crashed in use,
what operators and stopping workers destroyed. What a policy decides is decided anew: when an unused container goes,
which one makes room, how long a crashed one has to wait.

Where the record cannot tell, the replay assumes: a sandbox that is held is used (so only warm ones are idle), a start
takes no time, a start over capacity is served at once and counted, and one in back-off is served when that ends.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from provider.domain import events as ev
from provider.domain.policy import REMEMBERED_CRASHES, BackoffPolicy, Crash
from provider.domain.tally import CourseTally, Meter, make_tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPolicy:
    """What is replayed under: `idle_timeout` in seconds, 0 never reaps; `replicas` live sandboxes, all together."""

    idle_timeout: float
    replicas: int
    backoff: BackoffPolicy


@dataclass(slots=True)
class _Sandbox:
    holders: set[str] = field(default_factory=set)
    crashes: tuple[Crash, ...] = ()
    retry_at: datetime | None = None
    taken_away: bool = False
    """Whether a policy took the last container away, and nobody has wanted the sandbox since."""


class Replay:
    """Replays a log, event by event in its order, under one policy; `finish` tells what it came to."""

    def __init__(self, policy: ReplayPolicy) -> None:
        self._policy = policy
        self._meter = Meter()
        self._sandboxes: dict[str, _Sandbox] = {}
        self._warm: OrderedDict[str, datetime] = OrderedDict()
        self._delayed_seconds = 0.0

    def begin(self, at: datetime) -> None:
        """Count from here on."""
        self._reap(at)
        self._meter.begin(at)
        self._delayed_seconds = 0.0

    def apply(self, sandbox_id: str, event: ev.SandboxEvent, at: datetime) -> None:
        """Take in the next event of a sandbox; `at` is when it was recorded."""
        self._reap(at)
        sandbox = self._sandboxes.setdefault(sandbox_id, _Sandbox())
        match event:
            case ev.SandboxAcquired():
                self._acquire(sandbox_id, sandbox, event.worker_id, at)
            case ev.SandboxReleased():
                self._release(sandbox_id, sandbox, {event.worker_id}, at)
            case ev.SandboxDied():
                self._crash(sandbox_id, sandbox, at)
            case ev.SandboxEvicted(reason="idle" | "capacity"):
                # A policy's doing: it ends the holds that were still on record, nothing else.
                self._release(sandbox_id, sandbox, set(sandbox.holders), at)
            case ev.SandboxEvicted(reason="request" | "shutdown"):
                self._stop(sandbox_id, sandbox, at)
            case ev.CrashLoopCleared() if event.cleared_by != "time":
                sandbox.crashes, sandbox.retry_at = (), None
            case _:
                pass

    def finish(self, at: datetime) -> CourseTally:
        """Add up what ran until `at`."""
        self._reap(at)
        self._meter.stop_all(at)
        counts = self._meter.counts
        return make_tally(
            self._meter,
            over_capacity=counts["over_capacity"],
            delayed_starts=counts["delayed_starts"],
            delayed_seconds=round(self._delayed_seconds, 3),
        )

    def _acquire(self, sandbox_id: str, sandbox: _Sandbox, worker_id: str, at: datetime) -> None:
        self._meter.counts["acquires"] += 1
        self._warm.pop(sandbox_id, None)
        if sandbox_id in self._meter.running:
            self._meter.counts["warm_hits"] += 1
        else:
            self._start(sandbox_id, sandbox, at)
        sandbox.holders.add(worker_id)

    def _start(self, sandbox_id: str, sandbox: _Sandbox, at: datetime) -> None:
        counts = self._meter.counts
        if sandbox.retry_at is not None and sandbox.retry_at > at:
            counts["delayed_starts"] += 1
            self._delayed_seconds += (sandbox.retry_at - at).total_seconds()
        counts["starts"] += 1
        counts["reused_after_eviction"] += sandbox.taken_away
        sandbox.retry_at, sandbox.taken_away = None, False
        if len(self._meter.running) >= self._policy.replicas:
            self._make_room(at)
        self._meter.start(sandbox_id, at)

    def _make_room(self, at: datetime) -> None:
        if not self._warm:
            self._meter.counts["over_capacity"] += 1
            return
        self._meter.counts["capacity_evictions"] += 1
        self._take_away(next(iter(self._warm)), at)

    def _release(self, sandbox_id: str, sandbox: _Sandbox, holders: set[str], at: datetime) -> None:
        was_held = bool(sandbox.holders)
        sandbox.holders -= holders
        if was_held and not sandbox.holders and sandbox_id in self._meter.running:
            self._warm[sandbox_id] = at

    def _crash(self, sandbox_id: str, sandbox: _Sandbox, at: datetime) -> None:
        started_at = self._stop(sandbox_id, sandbox, at)
        if started_at is None:
            return  # under this policy its container was gone by then
        crash = Crash(at=at, uptime_seconds=(at - started_at).total_seconds())
        sandbox.crashes = (*sandbox.crashes, crash)[-REMEMBERED_CRASHES:]
        sandbox.retry_at = self._policy.backoff.retry_at(sandbox.crashes, at)

    def _reap(self, now: datetime) -> None:
        """Take away what has been warm for too long; the one that has been so the longest stands first."""
        timeout = timedelta(seconds=self._policy.idle_timeout)
        while self._warm and timeout:
            sandbox_id, since = next(iter(self._warm.items()))
            if since + timeout >= now:
                return
            self._meter.counts["idle_evictions"] += 1
            self._take_away(sandbox_id, since + timeout)

    def _take_away(self, sandbox_id: str, at: datetime) -> None:
        sandbox = self._sandboxes[sandbox_id]
        self._stop(sandbox_id, sandbox, at)
        sandbox.taken_away = True

    def _stop(self, sandbox_id: str, sandbox: _Sandbox, at: datetime) -> datetime | None:
        self._warm.pop(sandbox_id, None)
        sandbox.holders.clear()
        return self._meter.stop(sandbox_id, at)
