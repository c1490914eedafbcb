"""Noticing deaths as they happen: one thread waits on every container's pidfd, and looks at the other probes.

A death is then recorded at once, not when an agent stumbles over it. What follows it (evidence, removal) takes engine
calls and is done on other threads, so that a slow engine delays no other death.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable, Sequence

from provider.core.daemon_pool import DaemonPool
from provider.domain.errors import SandboxError
from provider.runtime.replica import Binding, Replica

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
RETRY_SECONDS = 1.0
RECORDERS = 4


class Watcher:
    """Watches the bindings of a replica; `record_death` is called for each dead one, until it succeeds."""

    def __init__(self, replica: Replica, record_death: Callable[[Binding], None]) -> None:
        self._replica = replica
        self._record_death = record_death
        self._not_before: dict[tuple[str, int], float] = {}
        self._stopped = threading.Event()
        self._executor = DaemonPool(RECORDERS, "sandbox-death")
        self._thread = threading.Thread(target=self._run, name="sandbox-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; what has begun is finished."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._executor.shutdown(wait=True)

    def _run(self) -> None:
        """Wait until a pidfd becomes readable or the next look is due; then look at every probe.

        A readable descriptor is only the alarm clock: what counts is the binding's own probe, because a descriptor may
        have been closed and its number given to another file meanwhile. A probe costs about a microsecond.
        """
        while not self._stopped.is_set():
            watched = [b for b in self._replica.list_bindings() if b.liveness is not None]
            self._wait([b for b in watched if _key(b) not in self._not_before])
            now = time.monotonic()
            for binding in watched:
                if self._not_before.get(_key(binding), 0.0) <= now and binding.probe() is False:
                    self._not_before[_key(binding)] = float("inf")
                    self._executor.submit(self._record, binding)
            self._forget(watched)

    def _wait(self, bindings: Sequence[Binding]) -> None:
        poller = select.poll()
        for binding in bindings:
            descriptor = binding.fileno()
            if descriptor >= 0:
                poller.register(descriptor, select.POLLIN)
        poller.poll(LOOK_SECONDS * 1000)

    def _forget(self, watched: Sequence[Binding]) -> None:
        known = {_key(binding) for binding in watched}
        for key in [k for k in self._not_before if k not in known]:
            self._not_before.pop(key, None)

    def _record(self, binding: Binding) -> None:
        try:
            self._record_death(binding)
        except SandboxError as error:
            extra = {"action": "record_death", "sandbox_id": binding.info.sandbox_id}
            logger.warning("death not recorded yet: %s", error, extra=extra)
            self._not_before[_key(binding)] = time.monotonic() + RETRY_SECONDS


def _key(binding: Binding) -> tuple[str, int]:
    return binding.info.sandbox_id, binding.generation
