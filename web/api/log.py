"""The raw log."""

from __future__ import annotations

from datetime import datetime

from provider.domain.events import REGISTRY
from provider.domain.log import RecordedEvent
from provider.ports.reading.log import EventFilter
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import CURSOR, LIMIT, MOMENT, Parameter
from web.api.sandboxes import ORDER

TYPES = sorted(REGISTRY)
TYPE = Parameter(
    name="type", meaning="Only these types.",
    schema={"type": "array", "items": {"type": "string", "enum": TYPES}, "maxItems": len(TYPES)},
)  # fmt: skip


def _list(asked: Asked) -> Reply:
    wanted = EventFilter(
        types=frozenset(asked["type"] or ()), stream=asked["stream"], actor=asked["actor"],
        correlation_id=asked["correlation_id"], since=asked["since"], until=asked["until"], after=asked["after"],
    )  # fmt: skip
    page = asked.reports.log.list_events(
        wanted, newest_first=asked["order"] == "desc", cursor=asked["cursor"], limit=asked["limit"]
    )
    value = {
        "items": page.items, "is_complete": page.is_complete, "searched_to": page.searched_to,
        "searched_at": page.searched_at,
    }  # fmt: skip
    return Reply(value=value, next=page.next, previous=page.previous)


OPERATIONS = (
    Operation(
        path="/events", name="events", handler=_list, shape=RecordedEvent, is_list=True, etag="position",
        summary="List the events of the log. A rare one is searched for piece by piece: go on while there is a next.",
        more={"is_complete": bool, "searched_to": int | None, "searched_at": datetime | None},
        parameters=(
            TYPE,
            Parameter(name="stream", meaning="Only this stream: `sandbox:ID`, `worker:ID`, `ledger`."),
            Parameter(name="actor", meaning="Only by this one: `worker:ID`, `operator:NAME`, `sweeper:ID`."),
            Parameter(name="correlation_id", meaning="Only those of one call."),
            Parameter(name="since", meaning="Recorded at this time or later.", schema=MOMENT),
            Parameter(name="until", meaning="Recorded before this time.", schema=MOMENT),
            Parameter(
                name="after", meaning="Behind this position.",
                schema={"type": "integer", "minimum": 0, "maximum": 2**53, "default": 0},
            ),
            ORDER, CURSOR, LIMIT,
        ),
    ),
)  # fmt: skip
