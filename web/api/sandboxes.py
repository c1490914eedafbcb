"""Sandboxes: many, one, its containers and its events; all containers that ended, and all that took their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from provider.domain.errors import SandboxNotFound
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.reading.audit import EvictionRow, RestartRow
from provider.ports.reading.log import EventFilter
from provider.ports.reading.paging import Count
from provider.ports.reading.sandboxes import SandboxRecord, SandboxRow, SandboxSort
from provider.reading.documents import generation_document
from provider.reading.past import record_of
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import CURSOR, LIMIT, MOMENT, QUERY, SANDBOX_ID, Parameter
from web.api.schemas import RowOf
from web.etags import sandbox_tag

GENERATION = RowOf("GenerationRow", Generation, ("sandbox_id",))
SORT = Parameter(
    name="sort", meaning="In which order; with a minus the largest comes first.",
    schema={"type": "string", "enum": list(get_args(SandboxSort)), "default": "-created_at"},
)  # fmt: skip
AT = Parameter(name="at", meaning="At which time.", schema=MOMENT)
POSITION = Parameter(
    name="position", meaning="Behind which event; goes before `at`.",
    schema={"type": "integer", "minimum": 1, "maximum": 2**53},
)  # fmt: skip
ORDER = Parameter(
    name="order", meaning="`desc`: the newest first.",
    schema={"type": "string", "enum": ["asc", "desc"], "default": "desc"},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxThen:
    """One sandbox and its containers as they were once: the fold of all events up to a position."""

    position: int
    sandbox: SandboxRecord
    generations: tuple[Generation, ...]


def _list(asked: Asked) -> Reply:
    search = asked.search()
    page = asked.reports.sandboxes.list_page(search, sort=asked["sort"], cursor=asked["cursor"], limit=asked["limit"])
    return Reply(value={"items": page.items}, next=page.next, previous=page.previous)


def _count(asked: Asked) -> Reply:
    return Reply(value=asked.reports.sandboxes.count(asked.search()))


def _get(asked: Asked) -> Reply:
    record = get_sandbox(asked)
    return Reply(value=record, etag=sandbox_tag(record))


def _list_generations(asked: Asked) -> Reply:
    record = get_sandbox(asked)
    found = asked.reports.insights.list_generations(record.sandbox_id)
    return Reply(value={"items": [generation_document(record.sandbox_id, one) for one in found]})


def _list_events(asked: Asked) -> Reply:
    wanted = EventFilter(stream=sandbox_stream(get_sandbox(asked).sandbox_id))
    page = asked.reports.log.list_events(
        wanted, newest_first=asked["order"] == "desc", cursor=asked["cursor"], limit=asked["limit"]
    )
    return Reply(value={"items": page.items}, next=page.next, previous=page.previous)


def _look_back(asked: Asked) -> Reply:
    moment = asked["at"] or asked.reports.now()
    past = asked.reports.look_back(moment if asked["position"] is None else asked["position"])
    then = past.read(get_sandbox(asked).sandbox_id)
    return Reply(value=SandboxThen(position=past.position, sandbox=record_of(then.state), generations=then.generations))


def _list_evictions(asked: Asked) -> Reply:
    found = asked.reports.endings.list_evictions(asked.search(), cursor=asked["cursor"], limit=asked["limit"])
    return Reply(value={"items": found.items}, next=found.next, previous=found.previous)


def _list_restarts(asked: Asked) -> Reply:
    found = asked.reports.endings.list_restarts(asked.search(), cursor=asked["cursor"], limit=asked["limit"])
    return Reply(value={"items": found.items}, next=found.next, previous=found.previous)


def get_sandbox(asked: Asked) -> SandboxRecord:
    """Return the sandbox in the path, or raise `SandboxNotFound`."""
    record = asked.reports.insights.find_by_id(asked["sandbox_id"])
    if record is None:
        raise SandboxNotFound(asked["sandbox_id"])
    return record


OPERATIONS = (
    Operation(
        path="/sandboxes", name="sandboxes", handler=_list, shape=SandboxRow, is_list=True, etag="moment",
        summary="List the sandboxes that match.", parameters=(QUERY, SORT, CURSOR, LIMIT),
    ),
    Operation(
        path="/sandboxes/count", name="sandbox_count", handler=_count, shape=Count, etag="moment",
        summary="Count the sandboxes that match, up to a cap.", parameters=(QUERY,),
    ),
    Operation(
        path="/sandboxes/<sandbox_id>", name="sandbox", handler=_get, shape=SandboxRecord, etag="version",
        summary="Get one sandbox. Its ETag is for `If-Match` of an action.", parameters=(SANDBOX_ID,),
    ),
    Operation(
        path="/sandboxes/<sandbox_id>/generations", name="sandbox_generations", handler=_list_generations,
        shape=GENERATION, is_list=True, etag="position",
        summary="List all containers a sandbox ever had, the oldest first.", parameters=(SANDBOX_ID,),
    ),
    Operation(
        path="/sandboxes/<sandbox_id>/events", name="sandbox_events", handler=_list_events, shape=RecordedEvent,
        is_list=True, etag="position", summary="List what happened to a sandbox.",
        parameters=(SANDBOX_ID, ORDER, CURSOR, LIMIT),
    ),
    Operation(
        path="/sandboxes/<sandbox_id>/as-of", name="sandbox_as_of", handler=_look_back, shape=SandboxThen,
        etag="moment", summary="Get a sandbox as it was at a time or a position, by default now.",
        parameters=(SANDBOX_ID, AT, POSITION),
    ),
    Operation(
        path="/evictions", name="evictions", handler=_list_evictions, shape=EvictionRow, is_list=True, etag="moment",
        summary="List evictions, the newest first.", parameters=(QUERY, CURSOR, LIMIT),
    ),
    Operation(
        path="/restarts", name="restarts", handler=_list_restarts, shape=RestartRow, is_list=True, etag="moment",
        summary="List restarts, the newest first.", parameters=(QUERY, CURSOR, LIMIT),
    ),
)  # fmt: skip
