"""The forms with which operators act. Each ends on a page that shows from the ledger what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import abort, redirect, request
from flask.typing import ResponseReturnValue

from provider.domain.actions import BULK_LIMIT, BulkOrder, Order, SandboxAction, SweepAction
from provider.domain.ids import parse_sandbox_id
from provider.domain.search import parse_search
from provider.ports.reading.audit import AuditFilter, OperatorActionRow
from provider.reading.reports import Reports
from web.pages.searching import SANDBOX_KEYS
from web.route import Route
from web.security.principal import find_principal
from web.services import services
from web.urls import url_for

NOBODY = "dashboard"
"""Who acts where nobody has to sign in."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing an operator may do here; `title` says what it means."""

    action: SandboxAction | SweepAction
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Acting:
    """The form of a page, with a key that makes it happen once, and what came of the last call."""

    choices: tuple[Choice, ...]
    url: str
    key: str
    done: OperatorActionRow | None
    seen_version: int | None = None


RELEASE = Choice("release", "Release", "take it from its workers; it is warm afterwards")
RESTART = Choice("restart", "Restart", "a fresh container under the same id; files and processes are lost")
DESTROY = Choice("destroy", "Destroy", "remove its container; the next acquire of its thread makes a new one")
CLEAR = Choice("clear", "Clear back-off", "let it start again at once, after too many crashes")
SWEEP = Choice("sweep", "Sweep now", "look for dead, idle and unknown containers, and settle them")
DRY_RUN = Choice("dry_run", "Dry run", "say what a sweep would do, and change nothing")
OFFERS: dict[str, tuple[Choice, ...]] = {
    "active": (RELEASE, RESTART, DESTROY),
    "warm": (RESTART, DESTROY),
    "creating": (DESTROY,),
    "dead": (RESTART, DESTROY),
}
MANY = (RELEASE, RESTART, DESTROY, CLEAR)


def may_act() -> bool:
    """Whether who asks is an operator."""
    principal = find_principal()
    return principal is not None and principal.may("operator")


def offer_for(status: str, retry_at: datetime | None) -> tuple[Choice, ...]:
    """Return what can be done to a sandbox in this status; the decision is made again, on what is true then."""
    return (*OFFERS.get(status, (RESTART,)), *((CLEAR,) if retry_at is not None else ()))


def make_form(
    reports: Reports, choices: tuple[Choice, ...], url: str, seen_version: int | None = None
) -> Acting | None:
    """Return the form for operators; others get none. `?done=` names the call whose outcome is shown."""
    done = request.args.get("done", "")
    found = reports.operations.list_actions(AuditFilter(correlation_id=done), limit=1).items if done else ()
    if not may_act():
        return None
    return Acting(choices, url, str(uuid.uuid4()), found[0] if found else None, seen_version)


def act_on_sandbox(sandbox_id: str) -> ResponseReturnValue:
    """Do something to one sandbox."""
    version = request.form.get("seen_version", type=int)
    order = Order(**_common(), target=parse_sandbox_id(sandbox_id), seen_version=version)  # type: ignore[arg-type]
    report = services().actions.perform(order)
    return redirect(url_for("sandbox", sandbox_id=sandbox_id, done=report.correlation_id), 303)


def act_on_many() -> ResponseReturnValue:
    """Do something to all sandboxes that match, as many as were counted and typed."""
    count, query = request.form.get("count", type=int), request.form.get("q", "")
    if count is None:
        abort(400, "count: type how many sandboxes are meant; nothing was done.")
    reports = services().reports
    search = parse_search(query, reports.now(), keys=SANDBOX_KEYS)
    order = BulkOrder(**_common(), query=query, count=count)  # type: ignore[arg-type]

    def matching() -> Sequence[str]:
        return reports.sandboxes.list_ids(search, BULK_LIMIT + 1)

    report = services().actions.perform_bulk(order, matching)
    return redirect(url_for("sandboxes", q=query or None, done=report.correlation_id), 303)


def act_on_sweep() -> ResponseReturnValue:
    """Sweep now, or say what a sweep would do."""
    order = Order(**_common())  # type: ignore[arg-type]
    return redirect(url_for("sweeps", done=services().actions.perform(order).correlation_id), 303)


def _common() -> dict[str, object]:
    principal, form = find_principal(), request.form
    name = principal.name if principal is not None and principal.name else NOBODY
    return {
        "operator": name,
        "action": form.get("action", ""),
        "reason": form.get("reason", ""),
        "command_id": form.get("key") or None,
    }


ROUTES: tuple[Route, ...] = (
    Route(path="/sandboxes/<sandbox_id>/act", endpoint="act", view=act_on_sandbox, methods=("POST",), role="operator"),
    Route(path="/sandboxes/act", endpoint="act_on_many", view=act_on_many, methods=("POST",), role="operator"),
    Route(path="/sweeps/act", endpoint="act_on_sweep", view=act_on_sweep, methods=("POST",), role="operator"),
)
