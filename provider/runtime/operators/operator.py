"""What an operator does to a sandbox whoever holds it, where it differs from what a worker does for itself."""

from __future__ import annotations

from collections.abc import Sequence

from provider.domain import decisions
from provider.domain.actions import require_version
from provider.domain.events import Event
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.release import require_known
from provider.runtime.worker.worker import Worker


def release_all_holders(worker: Worker, sandbox_id: str, author: Author, seen: int | None = None) -> Sequence[str]:
    """Take every worker's hold off a sandbox, so that it is warm; return the workers that held it. Idempotent.

    For holds whose worker is gone. A worker that still lives keeps its connection, but the sandbox may be reaped.
    With `seen`, only at this version of the sandbox, else raise `VersionConflict`.
    """
    released: Sequence[str] = ()

    def decide(state: SandboxState) -> Sequence[Event]:
        nonlocal released
        require_version(state, seen)
        released = state.holders
        return decisions.decide_release_all(state)

    state, _ = worker.commit(sandbox_id, decide, author)
    require_known(state)
    return released
