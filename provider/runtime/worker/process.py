"""Everything that runs in one worker process: the use cases, and the threads that keep them current.

A forked child must not use its parent's: it gets a fresh one, with a worker id, connections and threads of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from provider.domain import decisions
from provider.domain.events import EndReason
from provider.domain.ids import require_text
from provider.domain.log import Author
from provider.ports.log import ChangeFeed
from provider.runtime.acquire import Acquire
from provider.runtime.destroy import destroy
from provider.runtime.holds import Usage
from provider.runtime.liveness import record_death
from provider.runtime.lookup import SandboxLookup
from provider.runtime.release import release_all
from provider.runtime.replica import Binding, Replica
from provider.runtime.restart import Restart
from provider.runtime.worker.activity import Activity
from provider.runtime.worker.background import Background
from provider.runtime.worker.follower import Follower
from provider.runtime.worker.heartbeat import Heartbeat
from provider.runtime.worker.jobs import JobStatus
from provider.runtime.worker.watcher import Watcher
from provider.runtime.worker.worker import Worker

if TYPE_CHECKING:
    from provider.runtime.sweep.sweep import Sweep
    from provider.runtime.sweep.sweeper import Sweeper
    from provider.sandbox.sandbox import Sandbox

logger = logging.getLogger(__name__)

AssembleSweep = Callable[[Worker, Replica, Activity], "Sweep"]
ScheduleSweep = Callable[[Worker, "Sweep"], "Sweeper"]


@dataclass(frozen=True, slots=True)
class Health:
    """How current this process's view is; `feed_error` is None while the change feed is connected."""

    worker_id: str
    feed_error: str | None
    feed_position: int
    sandboxes: int


class WorkerProcess:
    """One worker with its threads. `start` may be called from any thread, any number of times.

    What sweeps is assembled by the first sweep, and by `start` where there is a schedule for it.
    """

    def __init__(
        self,
        worker: Worker,
        feed: ChangeFeed,
        heartbeat_interval: float,
        assemble_sweep: AssembleSweep,
        schedule_sweep: ScheduleSweep | None,
    ) -> None:
        self.worker = worker
        self.replica = Replica()
        self.activity = Activity(worker.store)
        self.usage = Usage(worker, self.replica, self.activity)
        self.background = Background(worker)
        self.lookup = SandboxLookup(worker, self.replica, self.usage)
        self._acquire = Acquire(worker, self.replica, self.usage, self.background)
        self._restart = Restart(worker, self.replica, self.usage, self.background)
        self._heartbeat = Heartbeat(worker, heartbeat_interval, self._hold_again, self.list_jobs)
        self._follower = Follower(feed, self.replica)
        self._watcher = Watcher(self.replica, self._record_death)
        self._assemble_sweep = assemble_sweep
        self._schedule_sweep = schedule_sweep
        self._sweeper: Sweeper | None = None
        self._lock = threading.Lock()
        self._started = False

    @cached_property
    def sweep(self) -> Sweep:
        """What brings ledger and engine together."""
        return self._assemble_sweep(self.worker, self.replica, self.activity)

    def start(self) -> None:
        """Register the worker and start its threads, once."""
        with self._lock:
            if self._started:
                return
            # What can fail comes first: a start that failed can be tried again.
            position = self.worker.store.head_position()
            self._heartbeat.start()
            self._follower.start(position)
            self.activity.start(self.usage.give_back)
            if self.worker.settings.auto_restart:
                self._watcher.start()
            if self._schedule_sweep is not None:
                self._sweeper = self._schedule_sweep(self.worker, self.sweep)
                self._sweeper.start()
            self._started = True

    def stop(self) -> None:
        """Release what this worker holds, record that it left, stop the threads, close the connections.

        When the ledger does not answer, that is raised, and nothing says that the worker left: its heartbeat lapses,
        and others release what it held.
        """
        with ExitStack() as at_last:
            at_last.callback(self.worker.store.close)
            at_last.callback(self.worker.registry.close)
            at_last.callback(self.worker.engine.backend.close)
            at_last.callback(self.replica.clear)
            at_last.callback(self.background.stop)
            at_last.callback(self._follower.stop)
            at_last.callback(self._watcher.stop)
            at_last.callback(self._heartbeat.stop)
            self.activity.stop()
            if self._sweeper is not None:
                self._sweeper.stop()
            if self._started:
                self.activity.flush()
                self.usage.give_back(at_once=True)
                release_all(self.worker, self.replica)
                self._heartbeat.stop()
                self._heartbeat.leave()

    def acquire(self, thread_id: str | None, user_id: str | None, timeout: float | None) -> str:
        """Acquire a thread's sandbox."""
        return self._acquire.acquire(thread_id, user_id, timeout)

    def release(self, sandbox_id: str) -> None:
        """Let go of a sandbox."""
        require_text(sandbox_id)
        self.usage.release(sandbox_id)

    def destroy(self, sandbox_id: str, reason: EndReason, author: Author, seen: int | None = None) -> None:
        """Take a sandbox out of use and remove its container."""
        require_text(sandbox_id)
        self.replica.let_go(sandbox_id)
        destroy(self.worker, self.replica, sandbox_id, reason, author, seen)

    def restart(self, sandbox_id: str, author: Author, seen: int | None = None) -> Sandbox:
        """Replace a sandbox's container."""
        return self._restart.restart(sandbox_id, author, seen)

    def health(self) -> Health:
        """Return how current this process's view is."""
        follower = self._follower
        return Health(self.worker.worker_id, follower.error, follower.position, len(self.replica.list_bindings()))

    def list_jobs(self) -> Sequence[JobStatus]:
        """Return how the recurring jobs of this process are doing."""
        scheduled = self._sweeper.list_jobs() if self._sweeper is not None else ()
        return [self._heartbeat.job.status(), self.activity.job.status(), *scheduled]

    def _record_death(self, binding: Binding) -> None:
        record_death(self.worker, self.replica, binding.info, "watch", self.worker.author())

    def _hold_again(self) -> None:
        """Claim again what this worker still uses, after it was declared lost and its holds were released."""
        worker = self.worker
        for sandbox_id in self.usage.list_holds():
            worker.commit(sandbox_id, lambda s: decisions.decide_hold(s, worker.worker_id), worker.author())
