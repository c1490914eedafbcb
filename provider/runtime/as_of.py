"""One sandbox as it was once: the fold of its events up to a position."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from provider.domain.log import RecordedEvent
from provider.domain.state import Generation, SandboxState, Stamp, evolve, settled
from provider.reports.sandboxes import SandboxAsOf


def fold_as_of(sandbox_id: str, position: int, history: Iterable[RecordedEvent]) -> SandboxAsOf:
    """Fold a sandbox's own events, in order, up to a position; what comes later is not read."""
    state, generations, recorded_at = SandboxState(sandbox_id=sandbox_id), dict[int, Generation](), None
    for recorded in takewhile(lambda one: one.position <= position, history):
        stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
        state, recorded_at = evolve(state, recorded.event, stamp), recorded.recorded_at
        generations.update((generation.number, generation) for generation in state.generations)
        state = settled(state)
    told = tuple(generations[number] for number in sorted(generations))
    return SandboxAsOf(position=position, recorded_at=recorded_at, state=state, generations=told)
