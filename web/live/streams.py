"""The stream of hints (Server-Sent Events): that something changed, never what. A page then reads itself again.

event: change        something happened, or some time has passed; `id` is the position
event: heartbeat     nothing did; the connection and the ledger are there
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from datetime import datetime

from web.etags import REFRESH_SECONDS
from web.live.changes import Change
from web.live.head_poller import HeadFreshness, HeadPoller
from web.live.wakeup import Wakeup

HEARTBEAT_SECONDS = 15.0
LONGEST_SECONDS = 3600.0
"""A stream ends then and is opened again by whoever may still open it."""
NO_TOPIC: frozenset[str] = frozenset()
TIME = frozenset({"time"})


class Places:
    """Counts the open streams of one process: each holds a thread, and some must stay free for pages. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    def enter(self) -> bool:
        """Take a place; False when there is none."""
        return self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Free a place."""
        self._free.release()


def tell(
    poller: HeadPoller, wakeup: Wakeup, after: int | None, is_gone: Callable[[], bool] = lambda: False
) -> Generator[str, None, None]:
    """Yield what changes until the client is gone (ring the bell then) or the server ends."""
    begun = refreshed = time.monotonic()
    seen = after if after is not None else poller.freshness().position
    told: tuple[bool, datetime | None] = (True, None)
    yield "retry: 3000\n\n"
    yield _write("heartbeat", poller.freshness(), NO_TOPIC)
    while not (poller.is_leaving or is_gone()) and time.monotonic() - begun < LONGEST_SECONDS:
        fresh, change = poller.freshness(), poller.find_change(seen)
        state = (fresh.as_of is not None, fresh.stale_since)
        if change is not None or state != told:
            seen, told = fresh.position, state
            yield _write("change", fresh, change.topics if change else NO_TOPIC, change)
        if not wakeup.wait(HEARTBEAT_SECONDS) and not is_gone():
            is_old = time.monotonic() - refreshed >= 2 * REFRESH_SECONDS - 1
            refreshed = time.monotonic() if is_old else refreshed
            yield _write("change" if is_old else "heartbeat", poller.freshness(), TIME if is_old else NO_TOPIC)


def _write(event: str, fresh: HeadFreshness, topics: frozenset[str], change: Change | None = None) -> str:
    document = {
        "position": fresh.position,
        "topics": sorted(topics),
        "sandbox_ids": sorted(change.sandbox_ids) if change else [],
        "as_of": fresh.as_of.isoformat() if fresh.as_of else None,
        "stale_since": fresh.stale_since.isoformat() if fresh.stale_since else None,
    }
    return f"event: {event}\nid: {fresh.position}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n"
