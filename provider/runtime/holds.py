"""Usage: whoever calls a sandbox holds it, so that no other process evicts what is being used.

A worker that acquired a sandbox holds it already. One that only looked it up borrows it: it takes a hold with its first
call, keeps it while calls follow each other, and gives it back soon after the last one. A hold is an event under a
version check, so an eviction and the first of these calls cannot both succeed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provider.domain import decisions
from provider.domain.errors import SandboxError
from provider.domain.events import Event
from provider.domain.state import SandboxState
from provider.runtime.release import release
from provider.runtime.replica import Replica
from provider.runtime.worker.activity import Activity
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


class Usage:
    """What one worker process uses. Safe from any thread; no lock is held across a call to the database."""

    def __init__(self, worker: Worker, replica: Replica, activity: Activity) -> None:
        self._worker = worker
        self._replica = replica
        self._activity = activity
        self.touch = activity.touch
        self._pid = os.getpid()
        self._known: dict[str, int] = {}
        self._users: Counter[str] = Counter()
        self._recent: set[str] = set()
        self._returning: frozenset[str] = frozenset()
        self._changed = threading.Condition()

    @contextmanager
    def of(self, sandbox_id: str) -> Iterator[None]:
        """Count a sandbox as called or being acquired: its hold is not given back before the end of the block."""
        with self._changed:
            self._changed.wait_for(lambda: sandbox_id not in self._returning)
            self._users[sandbox_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._recent.add(sandbox_id)
                self._users[sandbox_id] -= 1
                if not self._users[sandbox_id]:
                    del self._users[sandbox_id]

    @contextmanager
    def call(self, sandbox_id: str, generation: int) -> Iterator[None]:
        """Hold a generation during a call, which counts as activity.

        Without the ledger the call goes on all the same: nobody can evict anything then. So it does in a forked child
        that uses its parent's sandbox: the locks and connections here are the parent's.
        """
        if self._pid != os.getpid():
            yield
            return
        with self.of(sandbox_id), self._activity.call(sandbox_id):
            if self._known.get(sandbox_id) != generation:
                self._borrow(sandbox_id, generation)
            yield

    def note(self, sandbox_id: str, generation: int) -> None:
        """Note that this worker is on record as a holder."""
        self._known[sandbox_id] = generation

    def list_holds(self) -> Sequence[str]:
        """List what this worker has acquired or borrowed."""
        return sorted({*self._replica.list_held(), *list(self._known)})

    def release(self, sandbox_id: str) -> None:
        """Let go of a sandbox; while calls of this process are under way it stays borrowed until they have ended."""
        self._replica.let_go(sandbox_id)
        with self._changed:
            if sandbox_id in self._users and sandbox_id in self._known:
                return
        self._known.pop(sandbox_id, None)
        release(self._worker, sandbox_id)

    def give_back(self, *, at_once: bool = False) -> None:
        """Let go of what was borrowed and not called since the last time; `at_once`, of all that was borrowed."""
        with self._changed:
            recent, self._recent = self._recent, set()
        for sandbox_id in list(self._known):
            with self._changed:
                is_used = sandbox_id in self._users or sandbox_id in recent
                if self._replica.is_held(sandbox_id) or (is_used and not at_once):
                    continue
                self._returning |= {sandbox_id}
            try:
                release(self._worker, sandbox_id)
                self._known.pop(sandbox_id, None)
            finally:
                with self._changed:
                    self._returning -= {sandbox_id}
                    self._changed.notify_all()

    def _borrow(self, sandbox_id: str, generation: int) -> None:
        worker = self._worker

        def decide(state: SandboxState) -> Sequence[Event]:
            return decisions.decide_hold(state, worker.worker_id) if state.generation == generation else []

        try:
            state, _ = worker.commit(sandbox_id, decide, worker.author())
        except SandboxError as error:
            extra = {"action": "borrow", "sandbox_id": sandbox_id}
            logger.warning("used without a hold: %s", error, extra=extra)
            return
        if worker.worker_id in state.holders and state.generation == generation:
            self.note(sandbox_id, generation)
