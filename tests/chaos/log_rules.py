"""The log itself: dense positions, contiguous versions, one hash chain, time that never goes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from provider.domain.codec import to_payload
from provider.domain.log import GENESIS_HASH, RecordedEvent, canonical_json, chain_hash, event_body, format_timestamp
from tests.chaos.observation import Violation


def check_log(events: Sequence[RecordedEvent]) -> Iterator[Violation]:
    """Check the envelope of every event against the one before it."""
    versions: dict[str, int] = defaultdict(int)
    previous: RecordedEvent | None = None
    for place, recorded in enumerate(events, 1):
        here = f"event {recorded.position} ({recorded.event.type} of {recorded.stream})"
        if recorded.position != place:
            yield Violation("positions are dense", f"{here} stands at place {place}")
        versions[recorded.stream] += 1
        if recorded.version != versions[recorded.stream]:
            yield Violation("versions are contiguous", f"{here} is version {recorded.version} at its place")
        if previous is not None and recorded.recorded_at < previous.recorded_at:
            yield Violation("time never goes back", f"{here} is older than the event before it")
        if recorded.hash != _link(recorded, previous.hash if previous is not None else GENESIS_HASH):
            yield Violation("the hash chain is unbroken", here)
        previous = recorded
    yield from _check_commands(events)


def _check_commands(events: Sequence[RecordedEvent]) -> Iterator[Violation]:
    seen: set[str] = set()
    for recorded in events:
        if recorded.command_id in seen:
            yield Violation("a command is recorded once", f"{recorded.command_id} again at {recorded.position}")
        if recorded.command_id is not None:
            seen.add(recorded.command_id)


def _link(recorded: RecordedEvent, previous_hash: str) -> str:
    event = recorded.event
    body = event_body(
        stream=recorded.stream, version=recorded.version, type_=event.type, schema_version=event.schema_version,
        data=canonical_json(to_payload(event)), actor=recorded.actor, correlation_id=recorded.correlation_id,
        command_id=recorded.command_id,
    )  # fmt: skip
    return chain_hash(previous_hash, recorded.position, format_timestamp(recorded.recorded_at), body)
