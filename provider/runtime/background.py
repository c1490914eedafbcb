"""Work that nobody waits for: removals of evicted containers, on a few threads of their own."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from provider.domain.errors import SandboxError
from provider.domain.log import Author
from provider.runtime.settle import settle
from provider.runtime.worker import Worker

logger = logging.getLogger(__name__)

THREADS = 8


class Background:
    """Settles sandboxes off the caller's path. What a crash interrupts is recorded, and settled by another process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="sandbox-settle")

    def settle(self, sandbox_id: str, author: Author) -> None:
        """Finish with a sandbox's old containers soon."""
        self._executor.submit(self._settle, sandbox_id, author)

    def stop(self) -> None:
        """Finish what was begun."""
        self._executor.shutdown(wait=True)

    def _settle(self, sandbox_id: str, author: Author) -> None:
        try:
            settle(self._worker, sandbox_id, author)
        except SandboxError as error:
            logger.warning("left to the sweep: %s", error, extra={"action": "settle", "sandbox_id": sandbox_id})
