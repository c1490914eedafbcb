"""One append, prepared: what is hashed, what is stored, and what the projections become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from provider.domain.codec import from_payload, to_payload
from provider.domain.events import Event
from provider.domain.ids import check_name, sandbox_stream
from provider.domain.log import Appended, Author, RecordedEvent, canonical_json, event_body
from provider.domain.policy import Capacity
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.store.states.rows import RowChange, row_changes

PENDING_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for the time that the database gives this append; the append statement puts the real one in its place."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the append with its canonical texts."""

    event: Event
    version: int
    data: str
    body: str
    command_id: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one append to one stream."""

    stream: str
    expected_version: int
    author: Author
    entries: tuple[Entry, ...]
    state: SandboxState | None
    capacity: Capacity | None = None

    def occupancy(self, after: SandboxState | None) -> int:
        """Return by how much this append changes the number of live sandboxes: -1, 0 or 1."""
        return 0 if self.state is None or after is None else int(after.occupies) - int(self.state.occupies)

    def fold(self, stamps: Sequence[Stamp]) -> SandboxState | None:
        """Fold the events into the state the decision was made on."""
        if self.state is None:
            return None
        state = self.state
        for entry, stamp in zip(self.entries, stamps, strict=True):
            state = evolve(state, entry.event, stamp)
        return state

    def fold_pending(self) -> SandboxState | None:
        """Fold before the database has given time and positions: `PENDING_TIME`, and -1, -2, ... for positions."""
        return self.fold([Stamp(position=-i, recorded_at=PENDING_TIME) for i in range(1, len(self.entries) + 1)])

    def stamps(self, first_position: int, recorded_at: datetime) -> list[Stamp]:
        """Assign each event its place and time."""
        return [Stamp(position=first_position + i, recorded_at=recorded_at) for i in range(len(self.entries))]

    def changes(self, after: SandboxState | None) -> list[RowChange]:
        """Find the projection rows this append writes."""
        return row_changes(self.state, after) if self.state is not None and after is not None else []

    def appended(self, stamps: Sequence[Stamp], hashes: Sequence[str], after: SandboxState | None) -> Appended:
        """Describe what was written."""
        recorded = tuple(
            RecordedEvent(
                stamp.position, self.stream, entry.version, entry.event, stamp.recorded_at,
                self.author.actor, self.author.correlation_id, entry.command_id, hash_,
            )
            for stamp, entry, hash_ in zip(stamps, self.entries, hashes, strict=True)
        )  # fmt: skip
        return Appended(recorded, settled(after) if after is not None else None)


def make_batch(
    stream: str,
    expected_version: int,
    events: Sequence[Event],
    author: Author,
    state: SandboxState | None,
    capacity: Capacity | None = None,
) -> Batch:
    """Prepare an append. Only its first event carries the caller's `command_id`, which is unique in the log.

    Each event is folded as it will be read back, so that the projections equal the fold of the log, and an event that
    could not be read back is refused before it is written.
    """
    if state is not None and stream != sandbox_stream(state.sandbox_id):
        raise ValueError(f"the state of sandbox {state.sandbox_id} decides nothing about {stream}")
    check_name("command id", author.command_id)
    entries = tuple(
        _make_entry(stream, expected_version + 1 + i, event, author, author.command_id if i == 0 else None)
        for i, event in enumerate(events)
    )
    return Batch(stream, expected_version, author, entries, state, capacity)


def _make_entry(stream: str, version: int, event: Event, author: Author, command_id: str | None) -> Entry:
    payload = to_payload(event)
    recorded = from_payload(event.type, event.schema_version, payload)
    data = canonical_json(payload)
    body = event_body(
        stream=stream, version=version, type_=event.type, schema_version=event.schema_version, data=data,
        actor=author.actor, correlation_id=author.correlation_id, command_id=command_id,
    )  # fmt: skip
    return Entry(recorded, version, data, body, command_id)
