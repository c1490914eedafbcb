"""From a recorded generation to something an agent can use: the client, the probe, and what was lost before it."""

from __future__ import annotations

from provider.domain.state import Generation, SandboxState
from provider.ports import EventStore
from provider.runtime.replica import Binding, Replica
from provider.runtime.usage import Usage
from provider.runtime.worker import Worker
from provider.sandbox.sandbox import Restarted, Sandbox


def bind(worker: Worker, replica: Replica, usage: Usage, state: SandboxState) -> Binding:
    """Give the binding of a live sandbox's current generation, making it when this process has none."""
    current = state.current
    assert current is not None  # noqa: S101 - a live sandbox has a current generation
    known = replica.find(state.sandbox_id)
    if known is not None and known.generation == current.number:
        return known
    info = current.info(state.sandbox_id)
    sandbox = Sandbox(
        state.sandbox_id,
        current.number,
        info.url,
        restarted=find_restarted(worker.store, state.sandbox_id, current),
        activity=lambda: usage.call(state.sandbox_id, current.number),
    )
    checked = worker.settings.auto_restart and info.container_id is not None
    return replica.put(Binding(info, sandbox, worker.engine.find_liveness(info) if checked else None))


def find_restarted(store: EventStore, sandbox_id: str, current: Generation) -> Restarted | None:
    """Tell what was lost with the last generation that was in use before this one; None for the first."""
    lost = store.find_previous(sandbox_id, current.number) if current.number > 1 else None
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
