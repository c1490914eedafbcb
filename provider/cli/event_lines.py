"""How events are written: a table where all are known; one line or one JSON object each where they come one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from provider.cli.plain import visible
from provider.cli.render import terminal_width, write_json, write_line, write_table
from provider.cli.stderr import tell

if TYPE_CHECKING:
    from provider.cli.invocation import Invocation
    from provider.domain.log import RecordedEvent
    from provider.ports.log import ChangeFeed

COLUMNS = ("POS", "TIME (UTC)", "GEN", "EVENT", "DETAILS", "BY")
WIDE_ENOUGH = 110


def write_event_table(events: Sequence[RecordedEvent]) -> None:
    """Write the events of one sandbox as a table.

    A terminal gets the time of day where all events are of one day, and the author among the details where it is
    narrow; what is piped is always the same.
    """
    width = terminal_width()
    is_one_day = width is not None and len({one.recorded_at.date() for one in events}) == 1
    has_author = width is None or width >= WIDE_ENOUGH
    rows = [_row(one, time_from=len("2026-07-30 ") if is_one_day else 0, has_author=has_author) for one in events]
    write_table(COLUMNS if has_author else COLUMNS[:-1], rows, flexible=("DETAILS", "BY"))


def show_events(invocation: Invocation, events: Iterable[RecordedEvent]) -> None:
    """Write each event as one line, or as one JSON object a line."""
    from provider.reading.documents import event_document

    for recorded in events:
        if invocation.is_json:
            write_json(event_document(recorded), line=True)
        else:
            write_event_line(recorded)


def follow_events(feed: ChangeFeed, after: int, types: frozenset[str] = frozenset()) -> Iterator[RecordedEvent]:
    """Yield the events behind a position as they come; `types` chooses from them, none means all.

    Says on stderr when the database goes away and when it is back: nothing is missed in between.
    """
    for batch in feed.follow(after):
        if not batch:
            tell(f"{feed.error}; waiting for it" if feed.error else "the database answers again")
        yield from (recorded for recorded in batch if not types or recorded.event.type in types)


def write_event_line(recorded: RecordedEvent) -> None:
    """Write one event as one line."""
    from provider.reading.headlines import describe_event
    from provider.reading.wording import format_moment

    subject = recorded.stream.removeprefix("sandbox:")
    generation = getattr(recorded.event, "generation", None)
    subject += f" g{generation}" if generation is not None else ""
    moment = format_moment(recorded.recorded_at, digits=3)
    line = f"{recorded.position:>6}  {moment}  {subject:<19}  {recorded.event.type:<19}"
    write_line(visible(f"{line}  {describe_event(recorded)}".rstrip()))


def _row(recorded: RecordedEvent, *, time_from: int, has_author: bool) -> tuple[object, ...]:
    from provider.reading.headlines import describe_event
    from provider.reading.wording import format_moment

    event, author = recorded.event, recorded.actor.removeprefix("worker:")
    moment = format_moment(recorded.recorded_at, digits=3)[time_from:-1]
    start = (recorded.position, moment, getattr(event, "generation", ""), event.type)
    if has_author:
        return (*start, describe_event(recorded), author)
    unusual = f"by {author}" if author == recorded.actor else ""
    return (*start, ", ".join(filter(None, (describe_event(recorded), unusual))))
