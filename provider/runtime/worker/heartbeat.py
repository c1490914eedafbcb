"""A worker's registration: at start, by heartbeats while it runs, an orderly end; and back again when declared lost.

The heartbeat has a thread and a connection of its own, so that a slow engine or a busy pool cannot stop it.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence

from provider.core.commit import commit
from provider.domain.errors import SandboxError
from provider.domain.events import Event, WorkerStarted, WorkerStopped
from provider.domain.ids import worker_stream
from provider.domain.log import Author
from provider.domain.workers import decide_worker_started, decide_worker_stopped
from provider.ports.log import EventStore
from provider.runtime.worker.jobs import JobRecord, JobStatus, as_rows
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

KnownWorker = tuple[int, list[Event]]
"""The version of a worker's stream, and its events."""


class Heartbeat:
    """Keeps one worker registered, and writes with each heartbeat how its jobs are doing (`list_jobs`).

    `on_return` is called after the worker was declared lost and has come back.
    """

    def __init__(
        self,
        worker: Worker,
        interval: float,
        on_return: Callable[[], None],
        list_jobs: Callable[[], Sequence[JobStatus]] = lambda: (),
    ) -> None:
        self._worker = worker
        self._interval = interval
        self._on_return = on_return
        self._list_jobs = list_jobs
        self.job = JobRecord("heartbeat", interval)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-heartbeat", daemon=True)

    def start(self) -> None:
        """Register the worker and begin with the heartbeats."""
        self._register()
        self._thread.start()

    def stop(self) -> None:
        """Stop the heartbeats. Idempotent."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def leave(self) -> None:
        """Record that the worker left in order; it must hold nothing any more, and its heartbeats have stopped."""
        worker = self._worker
        commit_worker(
            worker.store, worker.worker_id, lambda s: decide_worker_stopped(s, worker.worker_id), worker.author()
        )
        worker.registry.end(worker.worker_id, "stopped")

    def _register(self) -> None:
        worker, host, pid = self._worker, socket.gethostname(), os.getpid()
        worker.registry.register(worker.worker_id, host, pid)
        commit_worker(
            worker.store,
            worker.worker_id,
            lambda stream: decide_worker_started(stream, worker.worker_id, host, pid),
            worker.author(),
        )

    def _beat(self) -> bool:
        return self._worker.registry.beat(self._worker.worker_id, as_rows(self._list_jobs()))

    def _run(self) -> None:
        is_there = True  # until a return is complete it is tried again, whatever the registry says by then
        while not self._stopped.wait(self._interval):
            try:
                with self.job.run():
                    is_there = self._beat() and is_there
                    if not is_there:
                        logger.warning("was declared lost, joins again", extra={"action": "rejoin"})
                        self._register()
                        self._on_return()
                        is_there = True
            except SandboxError as error:
                logger.warning("%s", error, extra={"action": "heartbeat"})


def commit_worker(
    store: EventStore, worker_id: str, decide: Callable[[Sequence[Event]], Sequence[Event]], author: Author
) -> Sequence[Event]:
    """Decide on a worker's stream and append; on a lost race decide again. Return the events appended."""
    stream = worker_stream(worker_id)

    def append(known: KnownWorker, events: Sequence[Event]) -> KnownWorker:
        store.append(stream, known[0], events, author)
        return known[0] + len(events), [*known[1], *events]

    return commit(f"worker {worker_id}", lambda: _read_stream(store, worker_id), lambda k: decide(k[1]), append)[1]


def read_worker(store: EventStore, worker_id: str) -> list[Event]:
    """Read what is recorded about a worker; it is a handful of events. By the last one it is there or gone."""
    return _read_stream(store, worker_id)[1]


def _read_stream(store: EventStore, worker_id: str) -> KnownWorker:
    stream = worker_stream(worker_id)
    recorded = list(store.read_stream(stream))
    if recorded:
        return recorded[-1].version, [one.event for one in recorded]
    version = store.version_of(stream)
    if version == 0:
        return 0, []
    # All of it was archived. A worker joins and leaves by turns, so the last one follows from their number.
    is_there = version % 2 == 1
    joined = WorkerStarted(worker_id=worker_id, host="", pid=0)
    return version, [joined if is_there else WorkerStopped(worker_id=worker_id)]
