"""Which dead sandboxes this process is settling right now, so that whoever asks for one can wait for its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_WAIT_SECONDS = 30.0


class Burials:
    """Burials under way, by sandbox. Safe from any thread; nothing is held while a burial works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, list[threading.Event]] = {}

    @contextmanager
    def of(self, sandbox_id: str) -> Iterator[None]:
        """Say that a burial is under way, until the block ends."""
        end = threading.Event()
        with self._lock:
            self._ends.setdefault(sandbox_id, []).append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends[sandbox_id].remove(end)
                if not self._ends[sandbox_id]:
                    del self._ends[sandbox_id]
            end.set()

    def wait(self, sandbox_id: str) -> None:
        """Wait for the burials of a sandbox that are under way now; at once where there are none."""
        with self._lock:
            ends = list(self._ends.get(sandbox_id, ()))
        for end in ends:
            end.wait(LONGEST_WAIT_SECONDS)
