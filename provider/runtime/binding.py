"""From a recorded generation to something an agent can use: the client, the probe, and what was lost before it."""

from __future__ import annotations

import logging

from provider.domain.containers import Restarted
from provider.domain.errors import BackendUnavailable
from provider.domain.state import Generation, SandboxState
from provider.runtime.holds import Usage
from provider.runtime.replica import Binding, Replica
from provider.runtime.settle import examine
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


def bind(worker: Worker, replica: Replica, usage: Usage, state: SandboxState) -> Binding:
    """Return the binding of a live sandbox's current generation, making it when this process has none."""
    current = state.current
    assert current is not None  # noqa: S101 - a live sandbox has a current generation
    known = replica.find(state.sandbox_id)
    if known is not None and known.generation == current.number:
        return known
    from provider.sandbox.sandbox import Sandbox  # here, because a worker that binds nothing needs no client

    info = current.info(state.sandbox_id)
    sandbox = Sandbox(
        state.sandbox_id,
        current.number,
        info.url,
        token=worker.engine.find_token(info.container_name),
        restarted=find_restarted(worker, state.sandbox_id, current),
        activity=lambda: usage.call(state.sandbox_id, current.number),
    )
    checked = worker.settings.auto_restart and info.container_id is not None
    return replica.put(Binding(info, sandbox, worker.engine.find_liveness(info) if checked else None))


def find_restarted(worker: Worker, sandbox_id: str, current: Generation) -> Restarted | None:
    """Return what was lost with the last generation that was in use before this one; None for the first."""
    lost = _find_lost(worker, sandbox_id, current)
    if lost is None:
        return None
    ended = lost.died_at or lost.ended_at
    downtime = (current.ready_at - ended).total_seconds() if current.ready_at and ended else None
    return Restarted(
        previous_generation=lost.number,
        cause=lost.end_reason or "unknown",
        exit_code=lost.exit_code,
        died_at=ended,
        downtime_seconds=downtime,
    )


def _find_lost(worker: Worker, sandbox_id: str, current: Generation) -> Generation | None:
    lost = worker.store.find_previous(sandbox_id, current.number) if current.number > 1 else None
    if lost is None or lost.end_reason is not None or lost.backend != worker.engine.backend.name:
        return lost
    # Whoever noticed its death has not examined it yet, and what an agent is told here is told once.
    try:
        examine(worker, sandbox_id, lost, worker.author())
    except BackendUnavailable as error:
        logger.warning("%s", error, extra={"action": "examine", "sandbox_id": sandbox_id})
    return worker.store.find_previous(sandbox_id, current.number)
