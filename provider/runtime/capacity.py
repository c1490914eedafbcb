"""Room for one more container: the limit counts all workers together, and whoever waits longest is served first."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from provider.domain import decisions
from provider.domain.errors import CapacityExceeded
from provider.domain.log import Author
from provider.domain.policy import Capacity
from provider.domain.state import SandboxState
from provider.runtime.replica import Replica
from provider.runtime.worker.background import Background
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

WARM_CANDIDATES = 8
UNLIMITED = 2**31 - 1

Intend = Callable[[Capacity], SandboxState | None]


@dataclass(slots=True)
class Admission:
    """One acquire's way to a place: it evicts the least recently used warm sandbox, waits its turn, or overflows."""

    worker: Worker
    replica: Replica
    background: Background
    sandbox_id: str
    user_id: str | None
    author: Author
    waiter_id: str = field(default_factory=lambda: secrets.token_hex(8))
    _queued: bool = False

    @property
    def capacity(self) -> Capacity:
        """The limits in force for this sandbox."""
        return self.worker.capacity_for(self.user_id)

    def admit(self, intend: Intend) -> SandboxState | CapacityExceeded | None:
        """Commit the intent when there is room or room can be made; else return what to raise once the time is over.

        Raise `CapacityExceeded` at once under `overflow: reject`.
        """
        capacity = self.capacity
        if not self._is_my_turn():
            return self._wait(self._error(CapacityExceeded("others wait for a place already")))
        try:
            intended = intend(capacity)
        except CapacityExceeded as full:
            error = self._error(full)
        else:
            self.leave()  # the place is taken: a start that takes its time must not count twice
            return intended
        if self._evict_one(error.per_user):
            return error  # there is room now, for the next try
        return self._overflow(intend, capacity, error)

    def leave(self) -> None:
        """Leave the queue. Idempotent."""
        if self._queued:
            self._queued = False
            self.worker.queue.leave(self.waiter_id)

    def _overflow(
        self, intend: Intend, capacity: Capacity, error: CapacityExceeded
    ) -> SandboxState | CapacityExceeded | None:
        overflow = self.worker.settings.overflow
        if overflow == "reject":
            raise error
        if overflow == "burst" and not error.per_user:
            extra = {"action": "burst", "sandbox_id": self.sandbox_id}
            logger.warning("over capacity: %s", error, extra=extra)
            return intend(Capacity(replicas=UNLIMITED, per_user=capacity.per_user))
        return self._wait(error)

    def _is_my_turn(self) -> bool:
        if self.worker.settings.overflow != "wait":
            return True
        queue = self.worker.queue.look(self.waiter_id)
        return queue.ahead == 0 or queue.live + queue.ahead < self.worker.settings.replicas

    def _wait(self, error: CapacityExceeded) -> CapacityExceeded:
        # Who waits for its own user's limit must not stand in the way of the others.
        if error.per_user:
            self.leave()
        else:
            self.worker.queue.join(self.waiter_id, self.user_id)
            self._queued = True
        return error

    def _evict_one(self, per_user: bool) -> bool:
        """Evict the least recently used warm sandbox; False when none is warm.

        What a lost worker held is spared for one lease time: it may only have been paused, in the middle of a call.
        The container is removed off this path.
        """
        owner = self.user_id if per_user else None
        for sandbox_id in self.worker.queue.list_warm(WARM_CANDIDATES, owner, spared_seconds=self.worker.lease_seconds):
            state, events = self.worker.commit(sandbox_id, decisions.decide_evict_warm, self.author)
            if events:
                self.replica.drop(sandbox_id, state.generation)
                self.background.settle(sandbox_id, self.author)
                return True
        return False

    def _error(self, full: CapacityExceeded) -> CapacityExceeded:
        limit = "sandbox.max_per_user" if full.per_user else "sandbox.replicas"
        return CapacityExceeded(
            f"sandbox {self.sandbox_id}: no free place ({full}) and no warm sandbox to evict; "
            f"release or destroy one (`sandbox-ledger ps`), or raise {limit}",
            per_user=full.per_user,
        )
