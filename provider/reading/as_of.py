"""One sandbox as it was once: the fold of its events up to a position."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from provider.domain.log import RecordedEvent
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.ports.reading.sandboxes import SandboxAsOf


def fold_as_of(
    sandbox_id: str, position: int, history: Iterable[RecordedEvent], start: SandboxAsOf | None = None
) -> SandboxAsOf:
    """Fold a sandbox's own events, in order, up to a position; what comes later is not read.

    `start` is what the events before them add up to, where those were archived.
    """
    state = start.state if start is not None else SandboxState(sandbox_id=sandbox_id)
    generations = {generation.number: generation for generation in start.generations} if start is not None else {}
    recorded_at = start.recorded_at if start is not None else None
    for recorded in takewhile(lambda one: one.position <= position, history):
        stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
        state, recorded_at = evolve(state, recorded.event, stamp), recorded.recorded_at
        generations.update((generation.number, generation) for generation in state.generations)
        state = settled(state)
    told = tuple(generations[number] for number in sorted(generations))
    return SandboxAsOf(position=position, recorded_at=recorded_at, state=state, generations=told)
