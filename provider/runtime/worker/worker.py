"""What every use case needs: the ports, this worker's identity, and the way to commit a decision on a sandbox."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from provider.config.settings import SandboxSettings
from provider.core.commit import commit, new_author
from provider.domain.events import Event
from provider.domain.ids import WorkerId, check_name, sandbox_stream
from provider.domain.log import Author
from provider.domain.policy import BackoffPolicy, Capacity
from provider.domain.state import SandboxState
from provider.ports.coordination import CapacityQueue, WorkerRegistry
from provider.ports.log import EventStore
from provider.runtime.worker.guarded_engine import GuardedEngine

logger = logging.getLogger(__name__)

Decide = Callable[[SandboxState], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process: its identity and its connections. Safe from any thread.

    `creations` marks the sandboxes that a call of this process is really starting: the ledger may believe it of more.
    """

    worker_id: WorkerId
    store: EventStore
    registry: WorkerRegistry
    queue: CapacityQueue
    engine: GuardedEngine
    settings: SandboxSettings
    lease_seconds: float
    creations: set[tuple[str, object]] = field(default_factory=set)

    @property
    def backoff(self) -> BackoffPolicy:
        """The crash-loop policy in force."""
        return self.settings.restart_backoff.as_policy()

    def capacity_for(self, user_id: str | None) -> Capacity:
        """Return the limits for a user; those without a name share no limit with each other."""
        per_user = self.settings.max_per_user if user_id is not None else None
        return Capacity(replicas=self.settings.replicas, per_user=per_user)

    @contextmanager
    def creating(self, sandbox_id: str) -> Iterator[None]:
        """Mark a sandbox as being started by a call, from before its intent until its outcome."""
        mark = (sandbox_id, object())
        self.creations.add(mark)
        try:
            yield
        finally:
            self.creations.discard(mark)

    def is_creating(self, sandbox_id: str) -> bool:
        """Whether a call of this process is starting the sandbox."""
        return any(sandbox_id == being_made for being_made, _ in list(self.creations))

    def author(self, actor: str | None = None) -> Author:
        """Begin one call: a fresh correlation id for all its events. Raise `InvalidIdError` for an unusable actor."""
        return new_author(check_name("actor", actor) or f"worker:{self.worker_id}")

    def commit(
        self, sandbox_id: str, decide: Decide, author: Author, *, capacity: Capacity | None = None
    ) -> tuple[SandboxState, Sequence[Event]]:
        """Load, decide and append; on a lost race decide again on the newer state.

        Return the state afterwards and the events appended (none when the decision was to do nothing). Raise
        `CapacityExceeded` when the result would not fit into `capacity`, `ConcurrencyError` when the race is lost again
        and again; what `decide` raises passes.
        """
        stream = sandbox_stream(sandbox_id)

        def append(state: SandboxState, events: Sequence[Event]) -> SandboxState:
            appended = self.store.append(stream, state.version, events, author, state=state, capacity=capacity)
            assert appended.state is not None  # noqa: S101 - a sandbox stream always has one
            return appended.state

        state, events = commit(f"sandbox {sandbox_id}", lambda: self.store.load(sandbox_id), decide, append)
        for event in events:
            logger.info("%s", event.type, extra={"action": event.type, "sandbox_id": sandbox_id})
        return state, events


def new_worker_id() -> WorkerId:
    """Make an identity for this process: host, pid, and a random part, because pids are used again."""
    return WorkerId(f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")
