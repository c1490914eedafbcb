"""Lost workers: who was silent for a whole lease is declared lost, and what it held is released.

Its sandboxes survive: with no other holder they are warm. A worker that was only paused finds out at its next heartbeat
and joins again. Every step may be repeated: whoever dies in between leaves nothing that the next run does not finish.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from provider.domain import decisions
from provider.domain.events import Event
from provider.domain.log import Author
from provider.domain.workers import WorkerRow, decide_worker_lost, find_end
from provider.runtime.worker.heartbeat import commit_worker, read_worker
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


def declare_lost(worker: Worker, author: Author) -> list[str]:
    """Declare the other workers lost whose heartbeat has lapsed, and release what ended workers still hold.

    Return the ids of those that this call declared lost. Idempotent; safe in several processes at once.
    """
    others = [row for row in worker.registry.list_running() if row.worker_id != worker.worker_id]
    lost = [row.worker_id for row in others if _declare(worker, row, author)]
    for worker_id in worker.registry.list_ended_holders():
        _release_holds(worker, worker_id, author)
    return lost


def _declare(worker: Worker, row: WorkerRow, author: Author) -> bool:
    def decide(stream: Sequence[Event]) -> Sequence[Event]:
        now = worker.registry.find(row.worker_id)
        return decide_worker_lost(stream, now, worker.lease_seconds) if now is not None else []

    is_silent = row.silent_seconds > worker.lease_seconds
    declared = is_silent and bool(commit_worker(worker.store, row.worker_id, decide, author))
    # Whoever was killed between its event and its row, or between its row and its event, is no longer listed then.
    ended_as = find_end(read_worker(worker.store, row.worker_id), is_silent=is_silent)
    if ended_as is not None:
        worker.registry.end(row.worker_id, ended_as)
    if declared:
        message = "worker %s was silent for %.0f s and is declared lost"
        logger.warning(message, row.worker_id, row.silent_seconds, extra={"action": "WorkerLost"})
    return declared


def _release_holds(worker: Worker, worker_id: str, author: Author) -> None:
    for sandbox_id in worker.store.list_held(worker_id):
        worker.commit(sandbox_id, lambda s: decisions.decide_release(s, worker_id, "lost_worker"), author)
