"""Activity: when each sandbox was last used, noted at once in memory and written to the ledger in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provider.domain.errors import SandboxError
from provider.ports.log import EventStore
from provider.runtime.worker.jobs import JobRecord

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 2.0


class Activity:
    """Collects activity and flushes it. A sandbox with a call in flight counts as used right now.

    `touch` is a dictionary store without a lock; an activity lost in a crash is at most `FLUSH_SECONDS` old.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._touched: dict[str, float] = {}
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.job = JobRecord("flush_activity", FLUSH_SECONDS)
        self._thread: threading.Thread | None = None

    def touch(self, sandbox_id: str) -> None:
        """Note that the sandbox is used now."""
        self._touched[sandbox_id] = time.monotonic()

    @contextmanager
    def call(self, sandbox_id: str) -> Iterator[None]:
        """Count a call as activity from its start to its end."""
        with self._lock:
            self._in_flight[sandbox_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[sandbox_id] -= 1
                if not self._in_flight[sandbox_id]:
                    del self._in_flight[sandbox_id]
            self.touch(sandbox_id)

    def start(self, also: Callable[[], None]) -> None:
        """Flush in the background until `stop`, and do the other thing each time."""
        self._thread = threading.Thread(target=self._run, args=(also,), name="sandbox-activity", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the background thread; the caller flushes what is left."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def flush(self) -> None:
        """Write what was collected; on `StoreUnavailable` it is kept for the next time."""
        with self._lock:
            running = list(self._in_flight)
        for sandbox_id in running:
            self.touch(sandbox_id)
        touched, now = dict(self._touched), time.monotonic()
        self._store.touch({sandbox_id: now - moment for sandbox_id, moment in touched.items()})
        for sandbox_id, moment in touched.items():
            if self._touched.get(sandbox_id) == moment:
                self._touched.pop(sandbox_id, None)

    def _run(self, also: Callable[[], None]) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            try:
                with self.job.run():
                    self.flush()
                    also()
            except SandboxError as error:
                logger.warning("%s", error, extra={"action": "flush_activity"})
