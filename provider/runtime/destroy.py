"""destroy(): take a sandbox out of use and remove its container, whoever holds it."""

from __future__ import annotations

from provider.domain import decisions
from provider.domain.actions import require_version
from provider.domain.errors import BackendUnavailable, ConfigError
from provider.domain.events import END_REASONS, EndReason, Event
from provider.domain.ids import parse_sandbox_id
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.release import require_known
from provider.runtime.replica import Replica
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker


def destroy(
    worker: Worker, replica: Replica, sandbox_id: str, reason: EndReason, author: Author, seen: int | None = None
) -> None:
    """Take the sandbox out of use at once, then remove its container. Idempotent.

    With `seen`, only at this version of the sandbox, else raise `VersionConflict`. Raise `SandboxNotFound` for an
    unknown id, and `BackendUnavailable` when the container could not be removed: it is out of use all the same, and the
    removal is tried again.
    """
    parse_sandbox_id(sandbox_id)
    if reason not in END_REASONS:
        raise ConfigError(f"destroy: reason {reason!r} is none of {', '.join(END_REASONS)}")
    failures = evict(worker, replica, sandbox_id, reason, author, seen)
    if failures:
        raise BackendUnavailable(
            f"sandbox {sandbox_id}: out of use, but its container could not be removed yet ({failures[-1]}); "
            "the removal is recorded and tried again, nothing else is needed"
        ) from failures[-1]


def evict(
    worker: Worker, replica: Replica, sandbox_id: str, reason: EndReason, author: Author, seen: int | None = None
) -> list[BackendUnavailable]:
    """Evict the current generation and settle; return what the engine could not do."""

    def decide(state: SandboxState) -> list[Event]:
        require_version(state, seen)
        return decisions.decide_evict(state, state.generation, reason)

    state, _ = worker.commit(sandbox_id, decide, author)
    require_known(state)
    replica.drop(sandbox_id, state.generation)
    return settle(worker, sandbox_id, author)
