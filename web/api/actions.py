"""What operators do: about one sandbox, about all that match, and about the whole ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provider.domain.actions import (
    BULK_LIMIT,
    MAX_REASON_LENGTH,
    SANDBOX_ACTIONS,
    SWEEP_ACTIONS,
    BulkOrder,
    Order,
)
from provider.domain.errors import VersionConflict
from provider.domain.events import ActionOutcome
from provider.reading.documents import document
from provider.runtime.operators.actions import ActionReport
from provider.runtime.operators.steps import PartOutcome
from provider.runtime.sweep.document import sweep_document
from provider.runtime.sweep.sweep import SweepReport
from web.api.operations import Asked, Operation, Reply
from web.api.parameters import QUERY, SANDBOX_ID, Parameter
from web.api.problems import RequestProblem
from web.etags import IF_MATCH, version_in
from web.security.principal import find_principal
from web.services import services

STATUS: Mapping[ActionOutcome, int] = {"refused": 409, "failed": 503}
"""What an outcome is over HTTP, told the first time or again; `done` is 200."""

KEY = Parameter(
    name="Idempotency-Key", place="header", meaning="Makes it happen once, however often it is sent.",
    schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^(?!orphan)[!-~]{1,255}$"},
)  # fmt: skip
MATCH = Parameter(
    name="If-Match", place="header", meaning="The ETag of the sandbox you decided on: else 412.",
    schema={"type": "string", "pattern": IF_MATCH},
)  # fmt: skip
REASON = {
    "type": "string", "minLength": 1, "maxLength": MAX_REASON_LENGTH, "pattern": r"^[\s\S]*\S[\s\S]*$",
    "description": "Why, for those who read the audit later.",
}  # fmt: skip
MATCHING = {**QUERY.schema, "description": QUERY.meaning}
COUNT = {"type": "integer", "minimum": 0, "maximum": BULK_LIMIT, "description": "How many you expect to match."}
ADOPT = {
    "type": "boolean", "default": False, "description": "Take over running containers that the ledger lost.",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDone:
    """What came of an action. `report` is a sweep's, `parts` are a bulk's; both are empty when it is told again."""

    operator: str
    action: str
    target: str
    reason: str
    correlation_id: str
    command_id: str | None
    outcome: ActionOutcome
    detail: str
    repeated: bool
    report: Mapping[str, Any]
    parts: Sequence[PartOutcome]


def _act(asked: Asked) -> Reply:
    order = Order(
        operator=_operator(), action=asked["action"], target=asked["sandbox_id"], reason=asked.body["reason"],
        command_id=asked["Idempotency-Key"], seen_version=version_in(asked["If-Match"]),
    )  # fmt: skip
    return _tell(services().actions.perform(order))


def _act_on_many(asked: Asked) -> Reply:
    query = asked.body["q"]
    search = asked.search(query)
    order = BulkOrder(
        operator=_operator(), action=asked["action"], reason=asked.body["reason"], query=query,
        count=asked.body["count"], command_id=asked["Idempotency-Key"],
    )  # fmt: skip

    def matching() -> Sequence[str]:
        return asked.reports.sandboxes.list_ids(search, BULK_LIMIT + 1)

    return _tell(services().actions.perform_bulk(order, matching))


def _sweep(asked: Asked) -> Reply:
    order = Order(
        operator=_operator(), action=asked["action"], reason=asked.body["reason"], adopt=asked.body["adopt"],
        command_id=asked["Idempotency-Key"],
    )  # fmt: skip
    return _tell(services().actions.perform(order))


def _operator() -> str:
    principal = find_principal()
    assert principal is not None  # noqa: S101 - the guard lets nobody else come here
    return principal.name


def _tell(report: ActionReport) -> Reply:
    """Return what came of it; raise a problem with the outcome in it for what was refused or failed."""
    if isinstance(report.error, VersionConflict):
        raise report.error
    done = ActionDone(
        operator=report.operator, action=report.action, target=report.target, reason=report.reason,
        correlation_id=report.correlation_id, command_id=report.command_id, outcome=report.outcome,
        detail=report.detail, repeated=report.repeated,
        report=sweep_document(report.value) if isinstance(report.value, SweepReport) else {},
        parts=_parts_of(report),
    )  # fmt: skip
    if report.outcome in STATUS:
        raise RequestProblem(STATUS[report.outcome], report.detail, action=document(done))
    return Reply(value=done)


def _parts_of(report: ActionReport) -> Sequence[PartOutcome]:
    told = () if isinstance(report.value, SweepReport) else report.value
    return [part for part in told if isinstance(part, PartOutcome)]


def _choice(actions: Sequence[str]) -> Parameter:
    return Parameter(
        name="action", place="path", meaning="What to do.", schema={"type": "string", "enum": list(actions)}
    )


def _body(**more: Mapping[str, Any]) -> Mapping[str, Any]:
    required = ["reason", *(name for name, one in more.items() if "default" not in one)]
    return {
        "type": "object", "properties": {"reason": REASON, **more}, "required": required, "additionalProperties": False,
    }  # fmt: skip


OPERATIONS = (
    Operation(
        path="/sandboxes/<sandbox_id>/actions/<action>", name="act_on_sandbox", method="POST", handler=_act,
        shape=ActionDone, role="operator", summary="Do something to one sandbox.",
        parameters=(SANDBOX_ID, _choice(SANDBOX_ACTIONS), KEY, MATCH), body=_body(),
    ),
    Operation(
        path="/sandboxes/actions/<action>", name="act_on_sandboxes", method="POST", handler=_act_on_many,
        shape=ActionDone, role="operator",
        summary="Do the same to all sandboxes that match; refused when another number matches.",
        parameters=(_choice(SANDBOX_ACTIONS), KEY), body=_body(q=MATCHING, count=COUNT),
    ),
    Operation(
        path="/sweeps/actions/<action>", name="act_on_sweeps", method="POST", handler=_sweep, shape=ActionDone,
        role="operator", summary="Sweep now, or preview what a sweep would do.",
        parameters=(_choice(SWEEP_ACTIONS), KEY), body=_body(adopt=ADOPT),
    ),
)  # fmt: skip
