"""Events for people: a table where all are known, one line each where they come one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provider.cli.plain import visible
from provider.cli.render import terminal_width, write_line, write_table

if TYPE_CHECKING:
    from provider.domain.log import RecordedEvent

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
