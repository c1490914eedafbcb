"""The events that a page shows, as a file: filtered alike, streamed, each one checked on its way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask import Response, abort
from flask.typing import ResponseReturnValue

from provider.domain.log import RecordedEvent
from provider.ports.reading.log import EventFilter
from provider.ports.reading.paging import MAX_LIMIT
from provider.ports.reading.queries import LogQueries
from provider.reading.export import MEDIA_TYPES, WRITERS, Format
from web.pages.events import find_problems, read_filter
from web.rendering import here
from web.route import Route
from web.services import services


def export(form: Format) -> ResponseReturnValue:
    """Send what is filtered, the oldest first; a filter that cannot be read is refused rather than left out."""
    reports, address = services().reports, here()
    now = reports.now()
    problems = find_problems(address, now)
    if problems:
        abort(400, " ".join(problems))
    events = read_all(reports.log, read_filter(address, now))
    answer = Response(WRITERS[form](events), content_type=MEDIA_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="events.{form}"'
    return answer


def read_all(log: LogQueries, wanted: EventFilter) -> Iterator[RecordedEvent]:
    """Read everything that matches, page by page, on to the end of the log."""
    cursor: str | None = None
    while True:
        page = log.list_events(wanted, newest_first=False, cursor=cursor, limit=MAX_LIMIT)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


csv_route = Route(path="/events.csv", endpoint="events_csv", view=partial(export, "csv"), role="viewer")
ndjson_route = Route(path="/events.ndjson", endpoint="events_ndjson", view=partial(export, "ndjson"), role="viewer")
