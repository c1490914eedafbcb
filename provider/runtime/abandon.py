"""Giving up the creations of workers that are gone, so that the next one can begin."""

from __future__ import annotations

from provider.domain import decisions
from provider.domain.errors import BackendUnavailable
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.domain.workers import has_lapsed
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker


def give_up_abandoned(worker: Worker, state: SandboxState, author: Author) -> list[BackendUnavailable] | None:
    """Give up the creation under way if its worker is gone, and settle; None when it is not abandoned.

    Fencing: should that worker wake up, its late result is refused, and it removes its own container.
    """
    generation, current = state.generation, state.current
    if state.status != "creating" or current is None or current.worker_id is None:
        return None
    unseen = (worker.store.now() - current.creating_at).total_seconds()
    if not has_lapsed(worker.registry.find(current.worker_id), worker.lease_seconds, unseen):
        return None
    reason = f"its creator, worker {current.worker_id}, is gone"
    worker.commit(
        state.sandbox_id, lambda s: decisions.decide_create_failed(s, generation, "abandoned", reason), author
    )
    return settle(worker, state.sandbox_id, author)
