"""clear_backoff(): an operator ends a crash-loop back-off."""

from __future__ import annotations

from provider.domain.decisions import decide_clear_backoff
from provider.domain.ids import parse_sandbox_id
from provider.runtime.release import require_known
from provider.runtime.worker import Worker


def clear_backoff(worker: Worker, sandbox_id: str, actor: str | None) -> None:
    """Let a sandbox start at once and forgive its crashes. Idempotent; raise `SandboxNotFound` for an unknown id."""
    parse_sandbox_id(sandbox_id)
    author = worker.author(actor)
    state, _ = worker.commit(sandbox_id, lambda s: decide_clear_backoff(s, author.actor), author)
    require_known(state)
