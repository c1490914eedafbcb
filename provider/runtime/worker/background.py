"""Work that nobody waits for: removals of evicted containers, and failed starts that could not be recorded yet."""

from __future__ import annotations

import logging
import threading

from provider.core.daemon_pool import DaemonPool
from provider.domain.errors import SandboxError, StoreUnavailable
from provider.domain.log import Author
from provider.runtime.create import give_up_own
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

THREADS = 8
RETRY_SECONDS = 1.0


class Background:
    """Settles sandboxes off the caller's path. What a crash interrupts is recorded, and settled by another process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._executor = DaemonPool(THREADS, "sandbox-settle")
        self._stopped = threading.Event()

    def settle(self, sandbox_id: str, author: Author) -> None:
        """Finish with a sandbox's old containers soon."""
        self._executor.submit(self._settle, sandbox_id, author)

    def give_up(self, sandbox_id: str, author: Author) -> None:
        """Record that a start has failed, as soon as the ledger answers; nothing when it is recorded."""
        self._executor.submit(self._give_up, sandbox_id, author)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until everything begun is done; False when that takes longer than the timeout."""
        return self._executor.wait_idle(timeout)

    def stop(self) -> None:
        """Finish what was begun, as far as the ledger answers."""
        self._stopped.set()
        self._executor.shutdown(wait=True)

    def _give_up(self, sandbox_id: str, author: Author) -> None:
        while True:
            try:
                give_up_own(self._worker, sandbox_id, author)
            except StoreUnavailable as error:
                logger.warning("%s", error, extra={"action": "give_up", "sandbox_id": sandbox_id})
                if not self._stopped.wait(RETRY_SECONDS):
                    continue
            except SandboxError as error:
                logger.warning("left to the sweep: %s", error, extra={"action": "give_up", "sandbox_id": sandbox_id})
            return

    def _settle(self, sandbox_id: str, author: Author) -> None:
        try:
            settle(self._worker, sandbox_id, author)
        except SandboxError as error:
            logger.warning("left to the sweep: %s", error, extra={"action": "settle", "sandbox_id": sandbox_id})
