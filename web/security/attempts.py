"""How often somebody may try: failures are counted by who tries, in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

CAPACITY = 4096


@dataclass(slots=True)
class _Count:
    began_at: float
    tries: int


class Attempts:
    """At most `limit` failures of one key in `window_seconds`. Safe from any thread; each process counts its own.

    When there are too many keys, the one that was quiet the longest is forgotten.
    """

    def __init__(
        self,
        limit: int,
        window_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = CAPACITY,
    ) -> None:
        self._limit = limit
        self._window = window_seconds
        self._clock = clock
        self._capacity = capacity
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def take(self, key: str) -> float:
        """Count a try before it is made; return how many seconds to wait instead, 0 when it may be made."""
        now = self._clock()
        with self._lock:
            count = self._counts.get(key)
            if count is None or now - count.began_at >= self._window:
                count = self._counts[key] = _Count(now, 0)
            self._counts.move_to_end(key)
            while len(self._counts) > self._capacity:
                self._counts.popitem(last=False)
            if count.tries >= self._limit:
                return count.began_at + self._window - now
            count.tries += 1
            return 0.0

    def give_back(self, key: str) -> None:
        """Forget the tries of somebody who turned out to be right."""
        with self._lock:
            self._counts.pop(key, None)
