"""A writer in a process of its own, fighting with others over the same streams."""

from __future__ import annotations

from collections.abc import Callable

from provider.domain import decisions
from provider.domain.errors import VersionConflict
from provider.domain.events import WorkerStarted
from provider.domain.ids import sandbox_stream, worker_stream
from provider.domain.log import Author
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import opened

_ready: list[Callable[[], object]] = []
"""How a writer waits for all others; a process gets it when it starts."""


def meet(wait: Callable[[], object]) -> None:
    """Prepare a process: its writer starts when all have come."""
    _ready.append(wait)


def write(url: str, worker: str, sandboxes: list[str], rounds: int) -> tuple[int, int]:
    """Hold and let go of each sandbox in turn; return how many events were written and how many races lost."""
    author = Author(f"worker:{worker}", worker)
    written = lost = 0
    with opened(url) as store:
        store.append(worker_stream(worker), 0, [WorkerStarted(worker_id=worker, host="h", pid=1)], author)
        _ready[0]()
        for _ in range(rounds):
            for sandbox_id in sandboxes:
                done, conflicts = toggle(store, sandbox_id, worker, author)
                written, lost = written + done, lost + conflicts
    return written + 1, lost


def toggle(store: SqlEventStore, sandbox_id: str, worker: str, author: Author) -> tuple[int, int]:
    """Hold a sandbox that is not held by this worker, else let it go, however many races are lost on the way."""
    lost = 0
    while True:
        state = store.load(sandbox_id)
        events = decisions.decide_hold(state, worker) or decisions.decide_release(state, worker)
        try:
            store.append(sandbox_stream(sandbox_id), state.version, events, author, state=state)
        except VersionConflict:
            lost += 1
            continue
        return len(events), lost
