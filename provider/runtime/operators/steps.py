"""What an operator's action does: each by the ordinary use case, whoever holds the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from provider.core.daemon_pool import DaemonPool
from provider.domain import decisions
from provider.domain.actions import BulkOrder, Order, outcome_of, require_count, require_version
from provider.domain.errors import SandboxError
from provider.domain.events import ActionOutcome, Event
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.backoff import clear_backoff
from provider.runtime.operators.operator_worker import OperatorWorker
from provider.runtime.release import require_known
from provider.runtime.sweep.sweep import SweepReport
from provider.runtime.worker.worker import Worker

THREADS = 16


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What came of a bulk action for one sandbox."""

    sandbox_id: str
    outcome: ActionOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How an action ended; `value` is what it gave: the former holders, the sweep's report, or the bulk's parts."""

    outcome: ActionOutcome
    detail: str
    value: Sequence[str] | SweepReport | Sequence[PartOutcome] = ()


def carry_out(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    """Carry out one order; raise what its use case raises."""
    return _STEPS[order.action](worker, order, author)


def carry_out_bulk(
    worker: OperatorWorker, order: BulkOrder, matching: Callable[[], Sequence[str]], author: Author
) -> Ended:
    """Do the same to every sandbox that matches, side by side; raise `CountMismatch` before anything is done."""
    found = matching()
    require_count(found, order)
    with DaemonPool(THREADS, "sandbox-bulk") as pool:
        parts = [future.result() for future in [pool.submit(_part, worker, order, one, author) for one in found]]
    missed = [part for part in parts if part.outcome != "done"]
    told = [f"{len(parts) - len(missed)} done", *([f"{len(missed)} not"] if missed else [])]
    detail = "; ".join([", ".join(told), *(part.detail for part in missed)])
    return Ended("failed" if missed else "done", detail, parts)


def _part(worker: OperatorWorker, order: BulkOrder, sandbox_id: str, author: Author) -> PartOutcome:
    single = Order(operator=order.operator, action=order.action, reason=order.reason, target=sandbox_id)
    try:
        ended = carry_out(worker, single, author)
    except SandboxError as error:
        return PartOutcome(sandbox_id, outcome_of(error), str(error))
    return PartOutcome(sandbox_id, ended.outcome, ended.detail)


def release_all_holders(worker: Worker, sandbox_id: str, author: Author, seen: int | None = None) -> Sequence[str]:
    """Take every worker's hold off a sandbox, so that it is warm; return the workers that held it. Idempotent.

    For holds whose worker is gone. A worker that still lives keeps its connection, but the sandbox may be reaped.
    With `seen`, only at this version of the sandbox, else raise `VersionConflict`.
    """
    released: Sequence[str] = ()

    def decide(state: SandboxState) -> Sequence[Event]:
        nonlocal released
        require_version(state, seen)
        released = state.holders
        return decisions.decide_release_all(state)

    state, _ = worker.commit(sandbox_id, decide, author)
    require_known(state)
    return released


def _release(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    holders = release_all_holders(worker.process().worker, order.target, author, order.seen_version)
    return Ended("done", f"released from {', '.join(holders)}" if holders else "was held by nobody", holders)


def _restart(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    sandbox = worker.working().restart(order.target, author, order.seen_version)
    return Ended("done", f"restarted as generation {sandbox.generation}")


def _destroy(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    process = worker.working()
    was = process.worker.store.load(order.target).status
    process.destroy(order.target, "request", author, order.seen_version)
    return Ended("done", "was gone already" if was == "gone" else "destroyed")


def _clear(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    cleared = clear_backoff(worker.process().worker, order.target, author, order.seen_version)
    return Ended("done", "back-off cleared, crashes forgiven" if cleared else "there was no back-off")


def _sweep(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    report = worker.working().sweep.run(adopt=order.adopt, correlation_id=author.correlation_id)
    counts = report.counts
    told = f"expected {counts.expected}, observed {counts.observed}: {counts.actions} done, {counts.failures} failed"
    detail = "; ".join([told, *(failure.reason for failure in report.failures)])
    return Ended("failed" if report.failures else "done", detail, report)


def _plan_sweep(worker: OperatorWorker, order: Order, author: Author) -> Ended:
    report = worker.working().sweep.dry_run(adopt=order.adopt)
    counts = report.counts
    steps = len(report.plan.steps)
    return Ended("done", f"expected {counts.expected}, observed {counts.observed}: {steps} planned", report)


_STEPS: Mapping[str, Callable[[OperatorWorker, Order, Author], Ended]] = {
    "release": _release,
    "restart": _restart,
    "destroy": _destroy,
    "clear": _clear,
    "sweep": _sweep,
    "dry_run": _plan_sweep,
}
