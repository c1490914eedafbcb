"""Events one by one, as they are read or as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from provider.cli.event_lines import write_event_line
from provider.cli.invocation import Invocation
from provider.cli.render import write_json
from provider.cli.stderr import tell

if TYPE_CHECKING:
    from provider.domain.log import RecordedEvent
    from provider.ports.log import ChangeFeed


def show_events(invocation: Invocation, events: Iterable[RecordedEvent]) -> None:
    """Write each event as one line, or as one JSON object a line."""
    from provider.reading.documents import event_document

    for recorded in events:
        if invocation.is_json:
            write_json(event_document(recorded), line=True)
        else:
            write_event_line(recorded)


def follow_events(feed: ChangeFeed, after: int, types: frozenset[str] = frozenset()) -> Iterator[RecordedEvent]:
    """Give the events behind a position as they come; `types` chooses from them, none means all.

    Says on stderr when the database goes away and when it is back: nothing is missed in between.
    """
    for batch in feed.follow(after):
        if not batch:
            tell(f"{feed.error}; waiting for it" if feed.error else "the database answers again")
        yield from (recorded for recorded in batch if not types or recorded.event.type in types)
