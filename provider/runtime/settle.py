"""Settling: finish what the log says is unfinished about one sandbox's old containers.

Evidence first, then removal. Whatever cannot be done now stays recorded as unfinished and is tried again by the next
call that settles this sandbox, in any process.
"""

from __future__ import annotations

import logging
import time

from provider.domain import decisions
from provider.domain.containers import SandboxInfo
from provider.domain.errors import BackendUnavailable
from provider.domain.log import Author
from provider.domain.state import Generation
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

NOTICE_SECONDS = 2.0
NOTICE_POLL_SECONDS = 0.01


def settle(worker: Worker, sandbox_id: str, author: Author) -> list[BackendUnavailable]:
    """Collect missing evidence and remove containers that are out of use; return what the engine could not do.

    Containers of another backend are left to the workers that have it: this one would take them for gone.
    """
    failures = []
    for generation in worker.store.load(sandbox_id).generations:
        if generation.backend != worker.engine.backend.name:
            continue
        try:
            _settle_one(worker, sandbox_id, generation, author)
        except BackendUnavailable as error:
            failures.append(error)
            logger.warning("%s", error, extra={"action": "settle", "sandbox_id": sandbox_id})
    return failures


def _settle_one(worker: Worker, sandbox_id: str, generation: Generation, author: Author) -> None:
    if generation.needs_evidence:
        examine(worker, sandbox_id, generation, author)
    if generation.needs_evidence or generation.needs_removal:
        _remove(worker, sandbox_id, generation, author)


def examine(worker: Worker, sandbox_id: str, generation: Generation, author: Author) -> None:
    """Record why a container died, as the engine tells it; of several who do so at once, the first is recorded.

    Raise `BackendUnavailable` when the engine cannot tell: then it is on record as crashed, and asked for again.
    """
    number = generation.number
    info = generation.info(sandbox_id)
    try:
        _wait_until_noticed(worker, info)
        evidence = worker.engine.evidence(info)
    except BackendUnavailable:
        worker.commit(sandbox_id, lambda s: decisions.decide_evict_dead(s, number), author)
        raise
    worker.commit(sandbox_id, lambda s: decisions.decide_examined(s, number, evidence), author)


def _wait_until_noticed(worker: Worker, info: SandboxInfo) -> None:
    """Wait until the engine knows of a death that the kernel told of: before, it has no exit code and no OOM flag."""
    deadline = time.monotonic() + NOTICE_SECONDS
    while worker.engine.is_alive(info) and time.monotonic() < deadline:
        time.sleep(NOTICE_POLL_SECONDS)


def _remove(worker: Worker, sandbox_id: str, generation: Generation, author: Author) -> None:
    number = generation.number
    try:
        worker.engine.destroy(generation.info(sandbox_id))
    except BackendUnavailable as error:
        words = str(error)
        worker.commit(sandbox_id, lambda s: decisions.decide_removed(s, number, words), author)
        raise
    worker.commit(sandbox_id, lambda s: decisions.decide_removed(s, number, None), author)
