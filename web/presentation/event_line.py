"""One event as a line of a list: its words, its payload, and where its stream leads. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provider.domain.events import CrashLoopEntered, SandboxCreateFailed, SandboxDestroyFailed, SandboxDied, WorkerLost
from provider.domain.log import RecordedEvent
from provider.reading.documents import event_document
from provider.reading.headlines import describe_event
from web.presentation.payload import show_payload

BAD = (SandboxDied, SandboxCreateFailed, SandboxDestroyFailed, CrashLoopEntered, WorkerLost)


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event with what is said of it; `sandbox_id` is None for other streams."""

    recorded: RecordedEvent
    type: str
    words: str
    payload: str
    sandbox_id: str | None
    is_bad: bool


def tell_event(recorded: RecordedEvent) -> EventLine:
    """Return one event in words."""
    kind, _, name = recorded.stream.partition(":")
    return EventLine(
        recorded=recorded,
        type=recorded.event.type,
        words=describe_event(recorded),
        payload=show_payload(event_document(recorded)["data"]),
        sandbox_id=name if kind == "sandbox" else None,
        is_bad=isinstance(recorded.event, BAD),
    )
