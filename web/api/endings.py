"""Every container that was taken out of use, and every one that took its place."""

from __future__ import annotations

from provider.ports.reading.audit import EvictionRow, RestartRow
from web.api.operations import Answer, Asked, Operation
from web.api.parameters import CURSOR, LIMIT, QUERY
from web.api.searching import read_search


def _list_evictions(asked: Asked) -> Answer:
    found = asked.reports.endings.list_evictions(read_search(asked), cursor=asked["cursor"], limit=asked["limit"])
    return Answer(value={"items": found.items}, next=found.next, previous=found.previous)


def _list_restarts(asked: Asked) -> Answer:
    found = asked.reports.endings.list_restarts(read_search(asked), cursor=asked["cursor"], limit=asked["limit"])
    return Answer(value={"items": found.items}, next=found.next, previous=found.previous)


OPERATIONS = (
    Operation(
        path="/evictions", name="evictions", handler=_list_evictions, shape=EvictionRow, is_list=True, etag="moment",
        summary="List evictions, the newest first.", parameters=(QUERY, CURSOR, LIMIT),
    ),
    Operation(
        path="/restarts", name="restarts", handler=_list_restarts, shape=RestartRow, is_list=True, etag="moment",
        summary="List restarts, the newest first.", parameters=(QUERY, CURSOR, LIMIT),
    ),
)  # fmt: skip
