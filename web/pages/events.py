"""Events: the raw log, filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue

from provider.domain.archives import ArchiveRow
from provider.domain.events import REGISTRY
from provider.ports.reading.log import EventFilter, EventPage
from provider.reading.archived import tell_log_archived
from web.pages.audit import offer
from web.pages.page import WebPage, show_page
from web.pages.searching import Chip
from web.presentation.address import Address
from web.presentation.event_line import EventLine, tell_event
from web.presentation.moments import SPANS, read_moment, show_machine
from web.rendering import here
from web.services import services
from web.urls import url_for

FILTERS = ("type", "stream", "actor", "correlation", "since", "until")
LIMITS = ("50", "200", "500")


@dataclass(frozen=True, slots=True)
class EventsView:
    """Everything on the page. `paused_at` is until when a paused page reads the log."""

    types: tuple[str, ...]
    spans: tuple[Chip, ...]
    limits: tuple[Chip, ...]
    lines: tuple[EventLine, ...]
    listed: EventPage
    archived: str | None
    is_filtered: bool
    problems: tuple[str, ...]
    newest_first: bool
    order_url: Address
    paused_at: datetime | None
    pause_url: Address
    resume_url: Address
    csv_url: Address
    ndjson_url: Address


def show() -> ResponseReturnValue:
    """Show the events that match, the newest first unless asked otherwise."""
    reports, address = services().reports, here()
    now = reports.now()
    limit = address.get("limit") if address.get("limit") in LIMITS else LIMITS[0]
    listed = reports.log.list_events(
        read_filter(address, now),
        newest_first=address.get("order") != "oldest",
        cursor=address.get("cursor") or None,
        limit=int(limit),
    )
    view = _build(address, listed, reports.insights.list_archives(), now, limit)
    return show_page("events.html", view, now, is_live=view.paused_at is None and not address.get("cursor"))


def _build(
    address: Address, listed: EventPage, archives: Sequence[ArchiveRow], now: datetime, limit: str
) -> EventsView:
    start, newest_first = address.drop("cursor"), address.get("order") != "oldest"
    export = start.drop("limit", "order")
    return EventsView(
        types=tuple(sorted(REGISTRY)),
        spans=offer(address, "since", tuple(SPANS)),
        limits=tuple(Chip(one, str(start.put(limit=one)), one == limit) for one in LIMITS),
        lines=tuple(tell_event(one) for one in listed.items),
        listed=listed,
        archived=tell_log_archived(archives),
        is_filtered=any(address.get(name) for name in FILTERS),
        problems=tuple(find_problems(address, now)),
        newest_first=newest_first,
        order_url=start.put(order="oldest" if newest_first else None),
        paused_at=read_moment(address.get("until"), now),
        pause_url=address.put(until=show_machine(now)),
        resume_url=start.drop("until"),
        csv_url=export.at(url_for("events_csv")),
        ndjson_url=export.at(url_for("events_ndjson")),
    )


def read_filter(address: Address, now: datetime) -> EventFilter:
    """Read which events an address asks for."""
    types = frozenset(one for one in address.get("type").split(",") if one)
    return EventFilter(
        types=types,
        stream=address.get("stream") or None,
        actor=address.get("actor") or None,
        correlation_id=address.get("correlation") or None,
        since=read_moment(address.get("since"), now),
        until=read_moment(address.get("until"), now),
    )


def find_problems(address: Address, now: datetime) -> list[str]:
    """Return which filters cannot be read, so that nobody takes their answer for the log."""
    times = [name for name in ("since", "until") if address.get(name) and read_moment(address.get(name), now) is None]
    unknown = [one for one in address.get("type").split(",") if one and one not in REGISTRY]
    return [
        *(
            f"{name}: {address.get(name)!r} is no time; write 15m, 1h, 7d or 2026-03-28T14:02Z. It was left out."
            for name in times
        ),
        *(f"type: there is no event {one!r}, so nothing can match." for one in unknown),
    ]


page = WebPage(path="/events", endpoint="events", title="Events", key="e", view=show)
