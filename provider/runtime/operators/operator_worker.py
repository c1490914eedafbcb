"""The worker in whose name operators' actions are carried out."""

from __future__ import annotations

from collections.abc import Callable

from provider.core.per_process import PerProcess
from provider.ports.log import OperatorLog
from provider.runtime.worker.process import WorkerProcess

Assemble = Callable[[], tuple[WorkerProcess, OperatorLog]]


class OperatorWorker:
    """A worker process that is opened when it is first needed, and anew in a forked child. Safe from any thread."""

    def __init__(self, assemble: Assemble) -> None:
        self._opened = PerProcess(assemble, lambda opened: opened[0].stop())

    def process(self) -> WorkerProcess:
        """Return the worker with its connections: enough for what concerns the ledger alone."""
        return self._opened.get()[0]

    def log(self) -> OperatorLog:
        """Return what finds earlier requests."""
        return self._opened.get()[1]

    def working(self) -> WorkerProcess:
        """Return the worker registered and with its threads, for what concerns the engine."""
        process = self.process()
        process.start()
        return process

    def close(self) -> None:
        """Let the worker leave in order, where it was opened. Idempotent; a later call opens another one."""
        self._opened.close()
