"""One head poller per process: notices that the ledger has moved on, and wakes everybody who waits.

It looks at the position of the last event, which costs next to nothing, so however many pages are open, the database is
asked by one thread.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from provider.domain.errors import CorruptLogError, SandboxError
from provider.reading.insights import Insights
from web.live.changes import REMEMBERED, Change, RecentChanges
from web.live.wakeup import Wakeup

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
LATE_SECONDS = 10.0
JOIN_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class HeadFreshness:
    """How current this process's view is.

    `as_of` is when the ledger last answered, `stale_since` the same while it does not answer any more; `error` is what
    it said, or which event was found to be altered. Times are this machine's.
    """

    position: int
    as_of: datetime | None
    stale_since: datetime | None = None
    error: str | None = None


class HeadPoller:
    """Follows the head of the ledger in one thread. Safe from any thread; survives every outage of the database."""

    def __init__(self, insights: Callable[[], Insights], look_seconds: float = LOOK_SECONDS) -> None:
        self._insights = insights
        self._look_seconds = look_seconds
        self._stopped = threading.Event()
        self._looked = threading.Event()
        self._lock = threading.RLock()  # a handler of signals rings while its thread may hold it
        self._changes: RecentChanges | None = None
        self._waiting: set[Wakeup] = set()
        self._freshness = HeadFreshness(0, None)
        self._thread = threading.Thread(target=self._run, name="web-head-poller", daemon=True)
        self.is_leaving = False

    def start(self) -> HeadPoller:
        """Begin to look."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop looking, and let everybody who waits go."""
        self.leave()
        self._stopped.set()
        self._thread.join(JOIN_SECONDS)

    def leave(self) -> None:
        """Wake everybody who waits: the server ends. A handler of signals may call this: its thread never waits."""
        self.is_leaving = True
        self._ring()

    def subscribe(self) -> Wakeup:
        """Return a bell that rings at every change, from now on."""
        wakeup = Wakeup()
        with self._lock:
            self._waiting.add(wakeup)
        return wakeup

    def unsubscribe(self, wakeup: Wakeup) -> None:
        """Ring no more."""
        with self._lock:
            self._waiting.discard(wakeup)
        wakeup.close()

    def ring(self, wakeup: Wakeup) -> None:
        """Ring one bell, unless it was given back already."""
        with self._lock:
            if wakeup in self._waiting:
                wakeup.ring()

    def freshness(self) -> HeadFreshness:
        """Return how current the view is; nothing is asked. A look that does not come back says nothing by itself."""
        fresh = self._freshness
        if fresh.as_of is None or fresh.stale_since is not None:
            return fresh
        if (datetime.now(UTC) - fresh.as_of).total_seconds() < LATE_SECONDS:
            return fresh
        return HeadFreshness(fresh.position, fresh.as_of, fresh.as_of, "the database has not answered for some time")

    def first_look(self, seconds: float) -> HeadFreshness:
        """Wait for the first look, which may have failed, but not longer than this."""
        self._looked.wait(seconds)
        return self.freshness()

    def find_change(self, after: int) -> Change | None:
        """Return what changed behind a position; None when nothing did."""
        position = self._freshness.position
        # Behind the head: another ledger, or one from a backup. What was shown before is worth nothing then.
        if self._changes is None or after == position:
            return None
        return self._changes.since(after if after < position else -1, position)

    def _run(self) -> None:
        pause = self._look_seconds
        while not self._stopped.wait(pause if self._looked.is_set() else 0):
            try:
                self._look(self._insights())
                pause = self._look_seconds
            except SandboxError as error:
                self._note_failure(str(error))
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                logger.exception("the look at the ledger failed", extra={"action": "web_tail"})
                self._note_failure("the look at the ledger failed; the log of this server says why")
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._looked.set()

    def _look(self, insights: Insights) -> None:
        head, before = insights.head_position(), self._freshness
        error = None
        if self._changes is None or head < before.position or head - before.position > REMEMBERED:
            self._changes = RecentChanges(head)
        elif head > before.position:
            error = self._read(insights, before.position, head)
        self._freshness = HeadFreshness(head, datetime.now(UTC), None, error)
        if head != before.position or before.as_of is None or before.stale_since is not None:
            self._ring()

    def _read(self, insights: Insights, after: int, head: int) -> str | None:
        """Read what is new; return what is wrong with it, which is no reason to look no more."""
        try:
            new = itertools.takewhile(lambda one: one.position <= head, insights.events(after))
            self._changes = (self._changes or RecentChanges(after)).plus(new)
        except CorruptLogError as error:
            logger.warning("%s", error, extra={"action": "web_tail"})
            self._changes = RecentChanges(head)
            return str(error)
        return None

    def _note_failure(self, error: str) -> None:
        before = self._freshness
        since = before.stale_since or before.as_of or datetime.now(UTC)
        self._freshness = HeadFreshness(before.position, before.as_of, since, error)
        if before.stale_since is None:
            self._ring()

    def _ring(self) -> None:
        # Under the lock, or a bell could be rung whose descriptor is somebody else's by now.
        with self._lock:
            for wakeup in self._waiting:
                wakeup.ring()
