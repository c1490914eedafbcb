"""What a sweep does about containers that the ledger does not expect: remove them, or adopt them again."""

from __future__ import annotations

from dataclasses import replace

from provider.core.commit import commit_ledger
from provider.domain.containers import SandboxInfo
from provider.domain.errors import DuplicateCommand
from provider.domain.log import Author
from provider.domain.orphans import (
    Orphan,
    decide_adopt,
    is_expected,
    orphan_removed,
    removal_requested,
    was_settled,
)
from provider.runtime.worker.worker import Worker


def adopt(worker: Worker, orphan: Orphan, author: Author) -> bool:
    """Take a container over as its sandbox's next generation, warm, where there is room; False when it has one.

    Raise `CapacityExceeded` or `IdentityCollision`; the container is left alone then.
    """
    backend = worker.engine.backend
    _, events = worker.commit(
        orphan.info.sandbox_id,
        lambda state: decide_adopt(state, orphan, backend.name, backend.image),
        author,
        capacity=worker.capacity_for(orphan.user_id),
    )
    return bool(events)


def remove_orphan(worker: Worker, orphan: Orphan, author: Author) -> bool:
    """Remove a container, unless the ledger expects it by now.

    Where a settled generation of the sandbox is meant, the record of its end is the intent, and the removal is added to
    the sandbox's stream. Else no stream speaks of it: intent and removal go to the `ledger` stream, each once for every
    container, however often the removal is tried and by however many.
    """
    info = orphan.info
    state = worker.store.load(info.sandbox_id)
    if is_expected(state, info):
        return False
    settled = was_settled(state, info)
    if not settled:
        commit_ledger(worker.store, removal_requested(author.actor, info), _once(author, "orphan", info))
    worker.engine.destroy(info)
    once = _once(author, "orphan-removed", info)
    if not settled:
        return commit_ledger(worker.store, orphan_removed(info), once)
    try:
        worker.commit(info.sandbox_id, lambda s: [orphan_removed(info)] if was_settled(s, info) else [], once)
    except DuplicateCommand:
        return False
    return True


def _once(author: Author, what: str, info: SandboxInfo) -> Author:
    return replace(author, command_id=f"{what}:{info.container_id or info.container_name}")
