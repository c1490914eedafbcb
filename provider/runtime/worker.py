"""What every use case needs: the ports, this worker's identity, and the one way to commit a decision."""

from __future__ import annotations

import logging
import os
import random
import secrets
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provider.domain.errors import ConcurrencyError, VersionConflict
from provider.domain.events import Event
from provider.domain.ids import WorkerId, check_name, sandbox_stream
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.ports import EventStore
from provider.runtime.engine import Engine
from provider.settings import SandboxSettings

logger = logging.getLogger(__name__)

MAX_CONFLICTS = 50
FIRST_PAUSE_SECONDS = 0.0005
LONGEST_PAUSE_SECONDS = 0.05

Decide = Callable[[SandboxState], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process: its identity and its connections. Safe from any thread."""

    worker_id: WorkerId
    store: EventStore
    engine: Engine
    settings: SandboxSettings

    def author(self, actor: str | None = None) -> Author:
        """Begin one call: a fresh correlation id for all its events. Raise `InvalidIdError` for an unusable actor."""
        return Author(check_name("actor", actor) or f"worker:{self.worker_id}", str(uuid.uuid4()))

    def commit(self, sandbox_id: str, decide: Decide, author: Author) -> tuple[SandboxState, Sequence[Event]]:
        """Load, decide and append; on a lost race decide again on the newer state.

        Return the state afterwards and the events appended (none when the decision was to do nothing). Raise
        `ConcurrencyError` when the race is lost `MAX_CONFLICTS` times in a row; what `decide` raises passes.
        """
        for attempt in range(MAX_CONFLICTS):
            state = self.store.load(sandbox_id)
            events = decide(state)
            if not events:
                return state, ()
            try:
                appended = self.store.append(sandbox_stream(sandbox_id), state.version, events, author, state=state)
            except VersionConflict:
                _pause(attempt)
                continue
            _log(sandbox_id, events)
            assert appended.state is not None  # noqa: S101 - a sandbox stream always has one
            return appended.state, events
        raise ConcurrencyError(
            f"sandbox {sandbox_id}: other workers changed it {MAX_CONFLICTS} times in a row while this one decided; "
            "nothing was written, try again"
        )


def new_worker_id() -> WorkerId:
    """Make an identity for this process: host, pid, and a random part, because pids are used again."""
    return WorkerId(f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}")


def _pause(attempt: int) -> None:
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311


def _log(sandbox_id: str, events: Sequence[Event]) -> None:
    for event in events:
        logger.info("%s", event.type, extra={"action": event.type, "sandbox_id": sandbox_id})
