"""Workers, sweeps, and what operators did."""

from __future__ import annotations

from typing import get_args

from provider.domain.events import ActionOutcome
from provider.domain.sweeps import SweepRow
from provider.ports.reading.audit import AuditFilter, OperatorActionRow, WorkerReport
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import CURSOR, LIMIT, MOMENT, SANDBOX_ID, Parameter

ENDED = Parameter(
    name="ended", meaning="Those that ended, and not those that run.", schema={"type": "boolean", "default": False}
)
OUTCOME = Parameter(
    name="outcome", meaning="Only with this outcome.", schema={"type": "string", "enum": list(get_args(ActionOutcome))}
)


def _list_workers(asked: Asked) -> Reply:
    page = asked.reports.operations.list_workers(
        ended=asked["ended"] or False, cursor=asked["cursor"], limit=asked["limit"]
    )
    return Reply(value={"items": page.items}, next=page.next, previous=page.previous)


def _list_sweeps(asked: Asked) -> Reply:
    page = asked.reports.operations.list_sweeps(cursor=asked["cursor"], limit=asked["limit"])
    return Reply(value={"items": page.items}, next=page.next, previous=page.previous)


def _list_actions(asked: Asked) -> Reply:
    wanted = AuditFilter(
        operator=asked["operator"], action=asked["action"], sandbox_id=asked["sandbox_id"], outcome=asked["outcome"],
        correlation_id=asked["correlation_id"], since=asked["since"], until=asked["until"],
    )  # fmt: skip
    page = asked.reports.operations.list_actions(wanted, cursor=asked["cursor"], limit=asked["limit"])
    return Reply(value={"items": page.items}, next=page.next, previous=page.previous)


OPERATIONS = (
    Operation(
        path="/workers", name="workers", handler=_list_workers, shape=WorkerReport, is_list=True, etag="moment",
        summary="List the workers, the most silent one first.", parameters=(ENDED, CURSOR, LIMIT),
    ),
    Operation(
        path="/sweeps", name="sweeps", handler=_list_sweeps, shape=SweepRow, is_list=True, etag="moment",
        summary="List the runs of the sweep, the newest first.", parameters=(CURSOR, LIMIT),
    ),
    Operation(
        path="/audit", name="audit", handler=_list_actions, shape=OperatorActionRow, is_list=True, etag="position",
        summary="List what operators asked for and what came of it, the newest first.",
        parameters=(
            Parameter(name="operator", meaning="Only of this operator."),
            Parameter(name="action", meaning="Only this action."),
            Parameter(name="sandbox_id", meaning="Only about this sandbox.", schema=SANDBOX_ID.schema),
            OUTCOME,
            Parameter(name="correlation_id", meaning="Only this call."),
            Parameter(name="since", meaning="Requested at this time or later.", schema=MOMENT),
            Parameter(name="until", meaning="Requested before this time.", schema=MOMENT),
            CURSOR, LIMIT,
        ),
    ),
)  # fmt: skip
