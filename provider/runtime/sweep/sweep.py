"""One sweep: read the ledger, list the engine, plan, carry out side by side, write down what came of it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from provider.core.commit import commit_ledger
from provider.core.daemon_pool import DaemonPool
from provider.domain.errors import SandboxError, StoreUnavailable
from provider.domain.events import SweepCompleted
from provider.domain.log import Author
from provider.domain.policy import Capacity
from provider.domain.reconciliation import Plan, Policy, Step, by_sandbox, reconcile
from provider.domain.sweeps import Counts
from provider.ports.coordination import SweepLedger
from provider.runtime.replica import Replica
from provider.runtime.sweep.actions import Means, Outcome, carry_out
from provider.runtime.sweep.lost_workers import declare_lost
from provider.runtime.worker.activity import Activity
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)

THREADS = 128
"""The bound of what is removed at once: n containers that ignore SIGTERM take ceil(n / 128) times `stop_timeout`."""

Fence = Callable[[], None]


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A step that could not be carried out; the next sweep tries again."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep found and did; of a dry run, what it would do."""

    sweep_id: str | None
    started_at: datetime
    finished_at: datetime
    worker_id: str
    dry_run: bool
    plan: Plan
    counts: Counts
    lost_workers: Sequence[str]
    failures: Sequence[StepFailure] = ()


class Sweep:
    """Sweeps for one worker. Two at once, in one process or in two, do no harm: every step is decided on its own."""

    def __init__(
        self, worker: Worker, replica: Replica, activity: Activity, sweeps: SweepLedger, orphan_grace: float
    ) -> None:
        self._worker = worker
        self._replica = replica
        self._activity = activity
        self._sweeps = sweeps
        self._orphan_grace = orphan_grace

    def dry_run(self, *, adopt: bool = False) -> SweepReport:
        """Plan a sweep and change nothing."""
        began = self._worker.store.now()
        plan, _ = self._plan(self._policy(adopt))
        counts = Counts(
            expected=plan.expected, observed=plan.observed, dead=plan.count("dead", "missing"),
            idle=plan.count("idle"), orphaned=plan.count("orphan", "adopt"), lost_workers=len(plan.lost_workers),
        )  # fmt: skip
        return SweepReport(
            sweep_id=None, started_at=began, finished_at=self._worker.store.now(), worker_id=self._worker.worker_id,
            dry_run=True, plan=plan, counts=counts, lost_workers=plan.lost_workers,
        )  # fmt: skip

    def run(
        self,
        *,
        adopt: bool = False,
        token: int | None = None,
        fence: Fence = lambda: None,
        correlation_id: str | None = None,
    ) -> SweepReport:
        """Sweep once; the run leaves a row in `sweeps`, also when it fails or finds nothing.

        `correlation_id` ties its events to the operator's call that asked for it.
        `fence` is asked before each sandbox and raises when another process has taken over (`token` was this one's).
        Raise `BackendUnavailable` when the engine cannot be listed (nothing is evicted then) and `StoreUnavailable`.
        Steps that fail one by one are in the report.
        """
        worker = self._worker
        author = worker.author(f"sweeper:{worker.worker_id}")
        if correlation_id is not None:
            author = replace(author, correlation_id=correlation_id)
        sweep_id = str(uuid.uuid4())
        began = self._sweeps.begin(sweep_id, worker.worker_id, token)
        try:
            report = self._sweep(sweep_id, began, author, adopt=adopt, fence=fence)
        except Exception as error:
            self._write_down_failure(sweep_id, error)
            raise
        return report

    def _sweep(self, sweep_id: str, began: datetime, author: Author, *, adopt: bool, fence: Fence) -> SweepReport:
        worker, policy = self._worker, self._policy(adopt)
        self._activity.flush()
        fence()
        lost = declare_lost(worker, author)
        plan, now = self._plan(policy)
        means = Means(worker, self._replica, self._sweeps, policy, author, now)
        done, failures = _carry_out_all(means, plan, fence)
        counts = _count(plan, lost, done, failures)
        if counts.actions:
            completed = SweepCompleted(
                expected=counts.expected, observed=counts.observed, actions=counts.actions, failures=counts.failures
            )
            commit_ledger(worker.store, completed, author)
        finished = self._sweeps.finish(sweep_id, counts, failures[0].reason if failures else None)
        return SweepReport(
            sweep_id=sweep_id, started_at=began, finished_at=finished, worker_id=worker.worker_id, dry_run=False,
            plan=plan, counts=counts, lost_workers=lost, failures=failures,
        )  # fmt: skip

    def _plan(self, policy: Policy) -> tuple[Plan, datetime]:
        # The ledger first: see provider/domain/reconciliation.py for why.
        recorded = self._sweeps.read_open()
        observed = self._worker.engine.discover()
        if policy.adopt:
            known = {sandbox.sandbox_id for sandbox in recorded.sandboxes}
            unknown = {found.info.sandbox_id for found in observed} - known
            recorded = replace(recorded, closed=self._sweeps.list_generations(unknown))
        return reconcile(observed, recorded, recorded.now, policy), recorded.now

    def _policy(self, adopt: bool) -> Policy:
        settings = self._worker.settings
        return Policy(
            worker_id=self._worker.worker_id, backend=self._worker.engine.backend.name,
            lease_seconds=self._worker.lease_seconds, idle_timeout=settings.idle_timeout,
            capacity=Capacity(replicas=settings.replicas, per_user=settings.max_per_user),
            orphan_grace=self._orphan_grace, checks=settings.auto_restart, adopt=adopt,
        )  # fmt: skip

    def _write_down_failure(self, sweep_id: str, error: Exception) -> None:
        try:
            self._sweeps.finish(sweep_id, Counts(failures=1), f"{type(error).__name__}: {error}")
        except StoreUnavailable as unwritten:
            # The row stays open; the next leader closes it.
            logger.warning("%s", unwritten, extra={"action": "sweep", "sweep_id": sweep_id})


def _carry_out_all(means: Means, plan: Plan, fence: Fence) -> tuple[list[Step], list[StepFailure]]:
    """Carry out the steps, one sandbox beside the other; return those that changed something, and the failures."""
    groups = list(by_sandbox(plan.steps).values())
    done: list[Step] = []
    failures: list[StepFailure] = []
    if not groups:
        return done, failures
    with DaemonPool(THREADS, "sandbox-sweep") as pool:
        futures = [pool.submit(_carry_out_group, means, group, fence) for group in groups]
        for future in futures:
            for step, outcome in future.result():
                if outcome.changed:
                    done.append(step)
                failures += [StepFailure(step, reason) for reason in outcome.failures]
    return done, failures


def _carry_out_group(means: Means, steps: Sequence[Step], fence: Fence) -> list[tuple[Step, Outcome]]:
    version, outcomes = steps[0].version, []
    for step in steps:
        fence()
        extra = {"action": f"sweep_{step.kind}", "sandbox_id": step.sandbox_id}
        try:
            outcome = carry_out(means, step, version)
        except SandboxError as error:
            logger.warning("left to the next sweep: %s", error, extra=extra)
            outcome = Outcome(False, version, (str(error),))
        else:
            logger.info("generation %d: %s", step.generation, step.why, extra=extra)
        version = outcome.version
        outcomes.append((step, outcome))
    return outcomes


def _count(plan: Plan, lost: Sequence[str], done: Sequence[Step], failures: Sequence[StepFailure]) -> Counts:
    def count(*kinds: str) -> int:
        return sum(step.kind in kinds for step in done)

    return Counts(
        expected=plan.expected, observed=plan.observed, dead=count("dead", "missing"), idle=count("idle"),
        orphaned=count("orphan", "adopt"), lost_workers=len(lost), actions=len(done) + len(lost),
        failures=len(failures),
    )  # fmt: skip
