"""How one generation of a sandbox ended, with everything that was recorded from its beginning on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provider.domain.events import EvidenceCollected, SandboxEvent
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one generation of a sandbox ended, and what happened from its beginning on."""

    sandbox: SandboxRecord
    generation: Generation
    events: tuple[RecordedEvent, ...]

    @property
    def evidence(self) -> EvidenceCollected | None:
        """What the container left behind; None while it was not examined."""
        found = self.find(EvidenceCollected)
        return found.event if found is not None and isinstance(found.event, EvidenceCollected) else None

    def find(self, kind: type[SandboxEvent]) -> RecordedEvent | None:
        """Find the last event of this kind about this generation."""
        mine = (
            recorded
            for recorded in reversed(self.events)
            if isinstance(recorded.event, kind) and recorded.event.generation == self.generation.number
        )
        return next(mine, None)


def has_ended(generation: Generation) -> bool:
    """Return whether a generation died, was taken out of use, or never came up."""
    return generation.ended_at is not None or generation.died_at is not None


def choose_ended(generations: Sequence[Generation], number: int | None = None) -> Generation | None:
    """Choose a generation that ended: this one, or the newest; None when it did not end."""
    ended = [one for one in generations if has_ended(one) and number in (None, one.number)]
    return max(ended, key=lambda one: one.number, default=None)


def describe_ending(sandbox: SandboxRecord, generation: Generation, history: Iterable[RecordedEvent]) -> Ending:
    """Return an ending, put together from a sandbox's history."""
    story = tuple(one for one in history if generation_of(one) >= generation.number)
    return Ending(sandbox=sandbox, generation=generation, events=story)


def generation_of(recorded: RecordedEvent) -> int:
    """Return which generation an event is about; 0 for one about no sandbox."""
    return recorded.event.generation if isinstance(recorded.event, SandboxEvent) else 0
