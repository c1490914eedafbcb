"""How many streams may be open at once: each holds a thread, and some must stay free for pages."""

from __future__ import annotations

import threading


class Places:
    """Counts the open streams of one process. Safe from any thread."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    def enter(self) -> bool:
        """Take a place; False when there is none."""
        return self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()
