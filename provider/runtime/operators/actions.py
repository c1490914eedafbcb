"""Operators' actions: the request is on record before anything is done, and the outcome after it.

A process killed in between leaves a request without an outcome, and so the audit shows it. All events of one action
have the request's correlation id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from provider.core.commit import commit_ledger, new_author
from provider.domain.actions import (
    SANDBOX_ACTIONS,
    BulkOrder,
    Order,
    check_repeated,
    completed,
    decide_request,
    outcome_of,
    require_version,
)
from provider.domain.errors import ActionUnderWay, SandboxError
from provider.domain.events import ActionOutcome, OperatorActionCompleted, OperatorActionRequested
from provider.domain.log import Author, format_timestamp
from provider.runtime.operators.operator_worker import OperatorWorker
from provider.runtime.operators.steps import Ended, PartOutcome, carry_out, carry_out_bulk
from provider.runtime.release import require_known
from provider.runtime.sweep.sweep import SweepReport

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReport:
    """What came of an action. `error` and `value` are only with those who did it, not with whom it is repeated to."""

    operator: str
    action: str
    target: str
    reason: str
    correlation_id: str
    command_id: str | None
    outcome: ActionOutcome
    detail: str
    repeated: bool = False
    error: SandboxError | None = None
    value: Sequence[str] | SweepReport | Sequence[PartOutcome] = ()


class OperatorActions:
    """Carries out what operators order. Safe from any thread and any number of processes."""

    def __init__(self, worker: OperatorWorker) -> None:
        self._worker = worker

    def perform(self, order: Order) -> ActionReport:
        """Do what is ordered about one sandbox or the whole ledger, once for each idempotency key.

        What is refused or fails is in the report. Raise, with nothing recorded: `InvalidActionError`,
        `InvalidIdError`, `SandboxNotFound`, `VersionConflict` (the sandbox moved on), `CommandReused`,
        `ActionUnderWay`.
        """
        requested = decide_request(order)
        earlier = self._find_earlier(requested, order.command_id)
        if earlier is not None:
            return earlier
        if order.action in SANDBOX_ACTIONS:
            state = self._worker.process().worker.store.load(order.target)
            require_known(state)
            require_version(state, order.seen_version)
        return self._run(requested, order.command_id, lambda author: carry_out(self._worker, order, author))

    def perform_bulk(self, order: BulkOrder, matching: Callable[[], Sequence[str]]) -> ActionReport:
        """Do the same to every sandbox whose id `matching` lists, once for each idempotency key.

        Refused when another number matches than was ordered. Raise as `perform` does.
        """
        requested = decide_request(order)
        earlier = self._find_earlier(requested, order.command_id)
        if earlier is not None:
            return earlier
        return self._run(
            requested, order.command_id, lambda author: carry_out_bulk(self._worker, order, matching, author)
        )

    def close(self) -> None:
        """Leave in order and close all connections. Idempotent."""
        self._worker.close()

    def _run(
        self, requested: OperatorActionRequested, command_id: str | None, act: Callable[[Author], Ended]
    ) -> ActionReport:
        author = new_author(f"operator:{requested.operator}", command_id)
        if not commit_ledger(self._worker.process().worker.store, requested, author):
            earlier = self._find_earlier(requested, command_id)  # another call was first, a moment ago
            assert earlier is not None  # noqa: S101 - that is why nothing was committed
            return earlier
        author = replace(author, command_id=None)
        error: SandboxError | None = None
        try:
            ended = act(author)
        except SandboxError as raised:
            error, ended = raised, Ended(outcome_of(raised), str(raised))
        except BaseException as raised:
            # Its words are nobody's who knows what may be shown: they go to the process's log alone.
            words = f"ended by an unexpected {type(raised).__name__}; the log of its process tells more"
            self._record(completed(requested, "failed", words), author, raised)
            raise
        self._record(completed(requested, ended.outcome, ended.detail), author, error)
        return ActionReport(
            operator=requested.operator, action=requested.action, target=requested.target, reason=requested.reason,
            correlation_id=author.correlation_id, command_id=command_id, outcome=ended.outcome, detail=ended.detail,
            error=error, value=ended.value,
        )  # fmt: skip

    def _record(self, outcome: OperatorActionCompleted, author: Author, cause: BaseException | None) -> None:
        """Append the outcome. Where even that fails after a failure, the failure is what the caller gets."""
        try:
            commit_ledger(self._worker.process().worker.store, outcome, author)
        except SandboxError as error:
            if cause is None:
                raise
            logger.warning("no outcome on record: %s", error, extra={"action": outcome.action})

    def _find_earlier(self, requested: OperatorActionRequested, command_id: str | None) -> ActionReport | None:
        """Find what came of the same request before."""
        if command_id is None:
            return None
        log = self._worker.log()
        found = log.find_command(command_id)
        if found is None:
            return None
        check_repeated(found.event, requested, command_id)
        completion = log.find_completion(found)
        if completion is None:
            raise ActionUnderWay(
                f"idempotency key {command_id}: {requested.action} of {requested.target} was requested at "
                f"{format_timestamp(found.recorded_at)} and has no outcome yet: it is under way, or its process was "
                "killed; see the audit, and use a new key to order it again"
            )
        assert isinstance(completion.event, OperatorActionCompleted)  # noqa: S101 - the query asks for it
        return ActionReport(
            operator=requested.operator, action=requested.action, target=requested.target, reason=requested.reason,
            correlation_id=found.correlation_id, command_id=command_id, outcome=completion.event.outcome,
            detail=completion.event.detail, repeated=True,
        )  # fmt: skip
