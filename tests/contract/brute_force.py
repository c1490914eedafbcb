"""What the read side must answer, found by folding the whole log in memory: none of its SQL is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation, SandboxState, Stamp, evolve, settled
from provider.store.log.event_store import SqlEventStore

_PREFIX = sandbox_stream("")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to a container."""

    kind: str
    at: datetime
    sandbox_id: str
    generation: Generation
    is_restart: bool = False


class Folded:
    """The whole log and what it adds up to."""

    def __init__(self, store: SqlEventStore) -> None:
        self.events: Sequence[RecordedEvent] = list(store.read_all())
        self.states: dict[str, SandboxState] = {}
        self.generations: dict[str, dict[int, Generation]] = {}
        for recorded in self.events:
            if recorded.stream.startswith(_PREFIX):
                self._apply(recorded.stream.removeprefix(_PREFIX), recorded)

    def _apply(self, sandbox_id: str, recorded: RecordedEvent) -> None:
        before = self.states.get(sandbox_id, SandboxState(sandbox_id=sandbox_id))
        after = evolve(before, recorded.event, Stamp(position=recorded.position, recorded_at=recorded.recorded_at))
        known = self.generations.setdefault(sandbox_id, {})
        known.update((one.number, one) for one in after.generations)
        self.states[sandbox_id] = settled(after)

    def newest(self, sandbox_id: str) -> Generation:
        """Return the newest container of a sandbox."""
        return self.generations[sandbox_id][self.states[sandbox_id].generation]

    def facts(self) -> list[Fact]:
        """List everything that happened to containers."""
        found: list[Fact] = []
        for sandbox_id, generations in self.generations.items():
            for number, one in generations.items():
                earlier = any(other.ready_at for other in generations.values() if other.number < number)
                if one.ready_at:
                    found.append(Fact("start", one.ready_at, sandbox_id, one, earlier))
                if one.died_at or one.ended_at:
                    at = one.died_at or one.ended_at
                    assert at is not None
                    found.append(Fact(_kind_of_end(one), at, sandbox_id, one))
        return found

    def count(self, since: datetime, until: datetime, key: Callable[[Fact], object]) -> Counter[object]:
        """Count what happened in a time range by some key."""
        return Counter(key(fact) for fact in self.facts() if since <= fact.at < until)


def _kind_of_end(one: Generation) -> str:
    if one.died_at is not None or (one.end_reason is not None and not one.expected):
        return "unexpected_end"
    return "start_failure" if one.end_reason is None else "expected_end"
