"""release() and shutdown(): a worker lets go; containers stay, unless an opt-in policy says otherwise."""

from __future__ import annotations

import logging

from provider.domain import decisions
from provider.domain.errors import SandboxNotFound
from provider.domain.ids import parse_sandbox_id
from provider.domain.state import SandboxState
from provider.runtime.replica import Replica
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


def release(worker: Worker, sandbox_id: str) -> None:
    """Let go of a sandbox; with no other holder it is warm. Idempotent; raise `SandboxNotFound` for an unknown id."""
    parse_sandbox_id(sandbox_id)
    state, _ = worker.commit(sandbox_id, lambda s: decisions.decide_release(s, worker.worker_id), worker.author())
    require_known(state)


def release_all(worker: Worker, replica: Replica) -> None:
    """Let go of everything this worker holds, because it stops; then follow `sandbox.on_shutdown`."""
    policy, author = worker.settings.on_shutdown, worker.author()
    for sandbox_id in worker.store.list_held(worker.worker_id):
        state, _ = worker.commit(sandbox_id, lambda s: decisions.decide_shutdown(s, worker.worker_id, policy), author)
        if not state.is_live:
            replica.drop(sandbox_id, state.generation)
            settle(worker, sandbox_id, author)


def require_known(state: SandboxState) -> None:
    """Refuse an id that was never recorded."""
    if state.version == 0:
        raise SandboxNotFound(state.sandbox_id)
