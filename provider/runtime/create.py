"""Starting a sandbox's next generation: intent, container, readiness, ready; or a failure, recorded and cleaned up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from provider.domain import decisions
from provider.domain.containers import Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxGone, SandboxStartError
from provider.domain.events import Event, SandboxEvicted
from provider.domain.ids import sandbox_stream
from provider.domain.log import Author
from provider.domain.policy import Capacity
from provider.domain.state import SandboxState
from provider.runtime.settle import settle
from provider.runtime.worker.worker import Worker

Intend = Callable[[SandboxState, decisions.Creation], Sequence[Event]]

logger = logging.getLogger(__name__)


def intend(
    worker: Worker,
    identity: tuple[str, str | None, str | None],
    author: Author,
    decide: Intend = decisions.decide_create,
    capacity: Capacity | None = None,
) -> SandboxState | None:
    """Commit the intent to start the next generation of `identity` (sandbox id, user, thread).

    None when another worker is starting it or has started it. Raise `CapacityExceeded` when there is no room.
    """
    sandbox_id, user_id, thread_id = identity
    creation = decisions.Creation(
        sandbox_id=sandbox_id, user_id=user_id, thread_id=thread_id, worker_id=worker.worker_id,
        backend=worker.engine.backend.name, image=worker.engine.backend.image,
        container_prefix=worker.settings.container_prefix,
    )  # fmt: skip
    state, intent = worker.commit(sandbox_id, lambda s: decide(s, creation), author, capacity=capacity)
    return state if intent else None


def bring_up(worker: Worker, intended: SandboxState, author: Author, holders: Sequence[str]) -> SandboxState | None:
    """Start the intended generation and open it for use, held by `holders`.

    None when another worker gave it up as abandoned meanwhile, `SandboxGone` when it was taken out of use: either way
    the late container is removed. Raise `SandboxStartError` or `BackendUnavailable`, with the failure recorded and the
    container removed.
    """
    began = time.monotonic()
    sandbox_id = intended.sandbox_id
    assert intended.current is not None  # noqa: S101 - an intent is a generation
    token = worker.engine.find_token(intended.current.container_name)
    spec = SandboxSpec(sandbox_id, intended.generation, intended.user_id, intended.thread_id, token)
    info: SandboxInfo | None = None
    try:
        info = started = _start(worker, spec, author)
        worker.commit(sandbox_id, lambda s: decisions.decide_started(s, started), author)
        _wait_ready(worker, info, author)
        seconds = time.monotonic() - began
        ready, _ = worker.commit(
            sandbox_id, lambda s: decisions.decide_ready(s, spec.generation, seconds, holders), author
        )
    except decisions.Stale as stale:
        logger.warning("%s; its container is removed", stale, extra={"action": "fenced", "sandbox_id": sandbox_id})
        if info is not None:
            worker.engine.destroy(info)
        if _was_evicted(worker, sandbox_id, spec.generation):
            raise SandboxGone(sandbox_id, "taken out of use while it was starting; call acquire() again") from stale
        return None
    return ready


def _was_evicted(worker: Worker, sandbox_id: str, generation: int) -> bool:
    """Whether somebody wanted this start to end, rather than took it over as abandoned."""
    told = (recorded.event for recorded in worker.store.read_stream(sandbox_stream(sandbox_id)))
    return any(isinstance(event, SandboxEvicted) and event.generation == generation for event in told)


def give_up_own(worker: Worker, sandbox_id: str, author: Author) -> None:
    """Give up what the ledger says this worker is starting when no call of this process is; nothing else.

    So it is after the ledger went away between an intent and its outcome, or after an intent whose commit was not
    confirmed.
    """

    def decide(state: SandboxState) -> Sequence[Event]:
        current = state.current
        if current is None or current.worker_id != worker.worker_id or worker.is_creating(sandbox_id):
            return []
        reason = "the call that started it failed before it could say so"
        return decisions.decide_create_failed(state, state.generation, "abandoned", reason)

    _, events = worker.commit(sandbox_id, decide, author)
    if events:
        settle(worker, sandbox_id, author)


def _start(worker: Worker, spec: SandboxSpec, author: Author) -> SandboxInfo:
    try:
        return worker.engine.create(spec)
    except SandboxStartError as error:
        _give_up(worker, spec.sandbox_id, spec.generation, error, author)
        raise
    except BackendUnavailable as error:
        failed = SandboxStartError(spec.sandbox_id, "engine", str(error))
        _give_up(worker, spec.sandbox_id, spec.generation, failed, author)
        raise


def _wait_ready(worker: Worker, info: SandboxInfo, author: Author) -> None:
    try:
        worker.engine.wait_ready(info)
    except SandboxStartError as error:
        _give_up(worker, info.sandbox_id, info.generation, error, author, _find_evidence(worker, info))
        raise
    except BackendUnavailable as error:
        failed = SandboxStartError(info.sandbox_id, "readiness", str(error))
        _give_up(worker, info.sandbox_id, info.generation, failed, author)
        raise


def _give_up(
    worker: Worker,
    sandbox_id: str,
    generation: int,
    error: SandboxStartError,
    author: Author,
    evidence: Evidence | None = None,
) -> None:
    """Record the failure and clean up; `Stale` when the start was given up by another before."""

    def decide(state: SandboxState) -> Sequence[Event]:
        return decisions.decide_create_failed(state, generation, error.stage, error.reason, evidence)

    _, events = worker.commit(sandbox_id, decide, author)
    settle(worker, sandbox_id, author)
    if not events:
        raise decisions.Stale(f"sandbox {sandbox_id}: generation {generation} was given up before it failed: {error}")


def _find_evidence(worker: Worker, info: SandboxInfo) -> Evidence | None:
    try:
        return worker.engine.evidence(info)
    except BackendUnavailable as error:
        logger.warning("%s", error, extra={"action": "evidence", "sandbox_id": info.sandbox_id})
        return None
