"""The worker in whose name operators' actions are carried out."""

from __future__ import annotations

import threading
from collections.abc import Callable

from provider.core.forking import renew_after_fork
from provider.ports.log import OperatorLog
from provider.runtime.worker.process import WorkerProcess

Assemble = Callable[[], tuple[WorkerProcess, OperatorLog]]


class Deputy:
    """A worker process that is opened when it is first needed, and anew in a forked child. Safe from any thread."""

    def __init__(self, assemble: Assemble) -> None:
        self._assemble = assemble
        self._lock = threading.Lock()
        self._opened: tuple[WorkerProcess, OperatorLog] | None = None
        self._inherited: list[object] = []

    def process(self) -> WorkerProcess:
        """Give the worker with its connections: enough for what concerns the ledger alone."""
        return self._open()[0]

    def log(self) -> OperatorLog:
        """Give what finds earlier requests."""
        return self._open()[1]

    def working(self) -> WorkerProcess:
        """Give the worker registered and with its threads, for what concerns the engine."""
        process = self.process()
        process.start()
        return process

    def begin_anew(self) -> None:
        """Leave the parent's connections and threads alone in a forked child."""
        # Kept, because an inherited connection that is collected would be closed for the parent as well.
        self._inherited.append(self._opened)
        self._lock = threading.Lock()
        self._opened = None

    def close(self) -> None:
        """Let the worker leave in order, where it was opened. Idempotent; a later call opens another one."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].stop()

    def _open(self) -> tuple[WorkerProcess, OperatorLog]:
        with self._lock:
            if self._opened is None:
                self._opened = self._assemble()
                renew_after_fork(self)
            return self._opened
