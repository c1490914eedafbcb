"""clear_backoff(): an operator ends a crash-loop back-off."""

from __future__ import annotations

from collections.abc import Sequence

from provider.domain.actions import require_version
from provider.domain.decisions import decide_clear_backoff
from provider.domain.events import Event
from provider.domain.ids import parse_sandbox_id
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.release import require_known
from provider.runtime.worker.worker import Worker


def clear_backoff(worker: Worker, sandbox_id: str, author: Author, seen: int | None = None) -> bool:
    """Let a sandbox start at once and forgive its crashes; False when there was no back-off. Idempotent.

    With `seen`, only at this version of the sandbox, else raise `VersionConflict`; `SandboxNotFound` for an unknown id.
    """
    parse_sandbox_id(sandbox_id)

    def decide(state: SandboxState) -> Sequence[Event]:
        require_version(state, seen)
        return decide_clear_backoff(state, author.actor)

    state, cleared = worker.commit(sandbox_id, decide, author)
    require_known(state)
    return bool(cleared)
