"""Timeline: did it go together? Rows by host, image or worker over one axis of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast, get_args

from flask.typing import ResponseReturnValue

from provider.domain.search import Search, format_search
from provider.ports.reading.timeline import Kind, RowBy, TimelineReading
from web.pages.audit import offer
from web.pages.now import mark_of
from web.pages.page import WebPage, show_page
from web.pages.searching import Chip
from web.presentation.address import Address
from web.presentation.lanes import Lanes, draw_lanes
from web.presentation.moments import SPANS, read_moment, say_range, show_machine
from web.presentation.scale import Scale
from web.presentation.strip import Strip, draw_strip
from web.rendering import here
from web.services import services
from web.urls import url_for

DEFAULT = "1h"
TYPES: dict[Kind, str] = {"start": "SandboxReady", "start_failure": "SandboxCreateFailed"}


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Everything on the page."""

    by: RowBy
    choices: tuple[Chip, ...]
    spans: tuple[Chip, ...]
    reading: TimelineReading
    lanes: Lanes
    strip: Strip
    earlier_url: Address
    later_url: Address | None
    problem: str | None
    range_words: str


def show() -> ResponseReturnValue:
    """Show the time range, up to now unless asked otherwise."""
    reports, address = services().reports, here()
    now = reports.now()
    asked = address.get("by")
    by = cast("RowBy", asked) if asked in get_args(RowBy) else "host"
    since, until, problem = read_range(address, now)
    reading = reports.timeline.read(by, since, until)
    view = TimelineView(
        by=by,
        choices=tuple(Chip(one, str(address.put(by=one)), one == by) for one in get_args(RowBy)),
        spans=offer(address.put(since=address.get("since") or DEFAULT), "since", tuple(SPANS)),
        reading=reading,
        lanes=draw_lanes(reading, lambda key, kind, start, end: _link(by, key, kind, (start, end))),
        strip=draw_strip(Scale(reading.since, reading.until), [], [mark_of(one) for one in reading.marks]),
        earlier_url=_moved(address, since, until, -1),
        later_url=_moved(address, since, until, 1) if until < now else None,
        problem=problem,
        range_words=say_range(reading.since, reading.until),
    )
    return show_page("timeline.html", view, now, is_live=not address.get("until"))


def read_range(address: Address, now: datetime) -> tuple[datetime, datetime, str | None]:
    """Read the time range; what cannot be read, or is empty, is said and left out."""
    until = read_moment(address.get("until"), now) or now
    since = read_moment(address.get("since") or DEFAULT, now)
    if since is not None and since < until:
        return since, until, None
    return (
        until - SPANS[DEFAULT],
        until,
        f"since {address.get('since')!r} is no time before the end; this is the hour before it",
    )


def _moved(address: Address, since: datetime, until: datetime, steps: int) -> Address:
    by = (until - since) * steps
    # Whole seconds: people read these addresses.
    start, end = ((moment + by).replace(microsecond=0) for moment in (since, until))
    return address.put(since=f"{start:%Y-%m-%dT%H:%M:%SZ}", until=f"{end + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")


def _link(by: RowBy, key: str | None, kind: Kind, stretch: tuple[datetime, datetime]) -> str:
    since, until = (show_machine(moment) for moment in stretch)
    if kind in TYPES:
        return url_for("events", type=TYPES[kind], since=since, until=until, order="oldest")
    terms = {by: (key,)} if key else {}
    search = Search(**terms, expected=kind == "expected_end", since_text=since, until_text=until)  # type: ignore[arg-type]
    return url_for("evictions", q=format_search(search))


page = WebPage(path="/timeline", endpoint="timeline", title="Timeline", key="t", view=show)
