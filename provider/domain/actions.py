"""What operators may ask for, on what it is decided, and how it is told: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from provider.domain import errors
from provider.domain import events as ev
from provider.domain.ids import check_name, parse_sandbox_id
from provider.domain.log import storable_text
from provider.domain.state import SandboxState

SandboxAction = Literal["release", "restart", "destroy", "clear"]
SweepAction = Literal["sweep", "dry_run"]
SANDBOX_ACTIONS: tuple[str, ...] = get_args(SandboxAction)
SWEEP_ACTIONS: tuple[str, ...] = get_args(SweepAction)

EVERYTHING = "all sandboxes"
MAX_REASON_LENGTH = 500
MAX_DETAIL_LENGTH = 4096
BULK_LIMIT = 500
"""More sandboxes than this are not changed by one order: it would be under way for longer than anybody looks at it."""

REFUSALS = (
    errors.CapacityExceeded,
    errors.CrashLoopBackOff,
    errors.IdentityCollision,
    errors.CountMismatch,
    errors.SandboxNotFound,
    errors.SandboxGone,
    errors.VersionConflict,
)
"""Errors that say "not now" or "not this": nothing is broken."""

_KEY = re.compile(r"[!-~]{1,255}")
_RESERVED = "orphan"  # the sweep's own commands are `orphan:` and `orphan-removed:`


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator asks for, about one sandbox (`target` is its id) or about the whole ledger.

    `command_id` makes it happen once, however often it is asked for. `seen_version` is the version of the sandbox
    that the operator decided on: a sandbox that moved on is left alone. `adopt` belongs to sweeps.
    """

    operator: str
    action: SandboxAction | SweepAction
    reason: str
    target: str = EVERYTHING
    command_id: str | None = None
    seen_version: int | None = None
    adopt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOrder:
    """What an operator asks for about every sandbox that matches a query, `count` of them as far as they know."""

    operator: str
    action: SandboxAction
    reason: str
    query: str
    count: int
    command_id: str | None = None

    @property
    def target(self) -> str:
        """What the log says it was about."""
        return f"{self.count} matching {self.query}" if self.query else f"{self.count}, of any kind"


def decide_request(order: Order | BulkOrder) -> ev.OperatorActionRequested:
    """State what is asked for; raise `InvalidActionError` or `InvalidIdError` for what cannot be asked for."""
    about_sandboxes = isinstance(order, BulkOrder) or order.action in SANDBOX_ACTIONS
    known = SANDBOX_ACTIONS if isinstance(order, BulkOrder) else (*SANDBOX_ACTIONS, *SWEEP_ACTIONS)
    if order.action not in known:
        raise errors.InvalidActionError(f"action {order.action!r} is none of {', '.join(known)}")
    if isinstance(order, Order) and about_sandboxes:
        parse_sandbox_id(order.target)
    elif isinstance(order, Order) and order.target != EVERYTHING:
        raise errors.InvalidActionError(f"action {order.action}: is about {EVERYTHING}, not about one")
    check_key(order.command_id)
    return ev.OperatorActionRequested(
        operator=check_operator(order.operator), action=order.action, target=storable_text(order.target, 512),
        reason=check_reason(order.reason),
    )  # fmt: skip


def check_operator(name: str) -> str:
    """Accept an operator's name as it will stand in the log."""
    checked = check_name("operator", name)
    assert checked is not None  # noqa: S101 - only None gives None
    return checked


def check_reason(text: str) -> str:
    """Accept a reason, or raise `InvalidActionError`: without one the audit explains nothing."""
    reason = " ".join(text.split())
    if not reason:
        raise errors.InvalidActionError("reason: is empty; say why, for those who read the audit later")
    if len(reason) > MAX_REASON_LENGTH:
        raise errors.InvalidActionError(f"reason: {len(reason)} characters; at most {MAX_REASON_LENGTH} are allowed")
    return storable_text(reason, MAX_REASON_LENGTH)


def check_key(key: str | None) -> None:
    """Accept an idempotency key: visible ASCII, and none of those that the sweep gives its own commands."""
    if key is not None and (not _KEY.fullmatch(key) or key.startswith(_RESERVED)):
        raise errors.InvalidActionError(
            f"idempotency key: expected 1 to 255 visible ASCII characters that do not begin with {_RESERVED!r}; "
            "a random UUID is best"
        )


def check_repeated(recorded: ev.Event, asked: ev.OperatorActionRequested, command_id: str) -> None:
    """Refuse an idempotency key that was used for something else."""
    if recorded != asked:
        raise errors.CommandReused(
            f"idempotency key {command_id}: it was used for another request before; nothing was done, use a new one"
        )


def require_version(state: SandboxState, seen: int | None) -> None:
    """Refuse a decision that was made on another version than this one; None decides on any."""
    if seen is not None and state.version != seen:
        raise errors.VersionConflict(
            f"sandbox {state.sandbox_id}: is at version {state.version}, the decision was made on {seen}; "
            "nothing was done, look at it again"
        )


def require_count(found: Sequence[str], order: BulkOrder) -> None:
    """Refuse to change more or fewer sandboxes than the operator expects, or too many at once."""
    if len(found) > BULK_LIMIT or order.count > BULK_LIMIT:
        raise errors.CountMismatch(f"more than {BULK_LIMIT} sandboxes match; nothing was done, narrow the query down")
    if len(found) != order.count:
        raise errors.CountMismatch(
            f"{len(found)} match now, {order.count} were expected; nothing was done, look at them again"
        )


def outcome_of(error: BaseException | None) -> ev.ActionOutcome:
    """Return how an action ended by what it raised."""
    if error is None:
        return "done"
    return "refused" if isinstance(error, REFUSALS) else "failed"


def completed(
    requested: ev.OperatorActionRequested, outcome: ev.ActionOutcome, detail: str
) -> ev.OperatorActionCompleted:
    """State what came of a request."""
    return ev.OperatorActionCompleted(
        operator=requested.operator, action=requested.action, target=requested.target, outcome=outcome,
        detail=storable_text(detail, MAX_DETAIL_LENGTH),
    )  # fmt: skip
