"""Is the container of a binding running, and what follows when it is not."""

from __future__ import annotations

import logging

from provider.domain import decisions
from provider.domain.containers import SandboxInfo
from provider.domain.errors import BackendUnavailable
from provider.domain.events import DetectedBy
from provider.domain.log import Author
from provider.runtime.replica import Binding, Replica
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


def is_alive(worker: Worker, binding: Binding) -> bool:
    """Check a container once: by the kernel or the engine's events, else by asking the engine.

    True as well when nobody can tell (unknown is not dead) and when there is no container to check.
    """
    if binding.info.container_id is None:
        return True
    known = binding.probe()
    if known is not None:
        return known
    try:
        return worker.engine.is_alive(binding.info)
    except BackendUnavailable as error:
        extra = {"action": "is_alive", "sandbox_id": binding.info.sandbox_id}
        logger.warning("kept, because unknown is not dead: %s", error, extra=extra)
        return True


def record_death(
    worker: Worker, replica: Replica, info: SandboxInfo, detected_by: DetectedBy, author: Author
) -> list[BackendUnavailable] | None:
    """Record that a container was found dead, evict it from the mapping at once, then examine and remove it.

    Return what the engine could not do. None, with nothing done, when another call was first or the sandbox has moved
    on to another generation.
    """
    sandbox_id, generation = info.sandbox_id, info.generation
    with replica.deaths.recording(sandbox_id):
        detected_at = worker.store.now()
        _, events = worker.commit(
            sandbox_id, lambda s: decisions.decide_died(s, generation, detected_by, detected_at, worker.backoff), author
        )
        replica.drop(sandbox_id, generation)
        return settle(worker, sandbox_id, author) if events else None
