"""`sandbox-ledger sweep`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, operator_name, verb
from provider.cli.options import reason_option
from provider.cli.render import write_json, write_line, write_table
from provider.cli.stderr import progress, tell

if TYPE_CHECKING:
    from provider.domain.actions import SweepAction
    from provider.runtime.sweep.sweep import SweepReport


@verb("sweep")
@click.option("--dry-run", is_flag=True, help="Print the plan and change nothing.")
@click.option("--adopt", is_flag=True, help="Take over running containers that the ledger lost, where there is room.")
@reason_option
def command(invocation: Invocation, dry_run: bool, adopt: bool, reason: str) -> int:
    """Bring ledger and engine together now.

    Records the dead, reaps the idle, finishes what lost workers left, and removes containers that nobody knows. After a
    restore from a backup: stop the sweepers, then sweep with --adopt before anything else.

    Exits with 1 when a step failed; the next sweep tries it again.
    """
    report = _sweep(invocation, "dry_run" if dry_run else "sweep", reason, adopt=adopt)
    if invocation.is_json:
        from provider.runtime.sweep.document import sweep_document

        write_json(sweep_document(report))
    else:
        _write(report)
    for failure in report.failures:
        tell(f"sandbox {failure.step.sandbox_id}: {failure.reason}")
    return FAILED if report.failures else 0


def _sweep(invocation: Invocation, action: SweepAction, reason: str, *, adopt: bool) -> SweepReport:
    from provider.domain.actions import Order
    from provider.runtime.sweep.sweep import SweepReport

    order = Order(operator=operator_name(), action=action, reason=reason, adopt=adopt)
    with progress("sweeping"), invocation.actions() as actions:
        ordered = actions.perform(order)
    if ordered.error is not None:
        raise ordered.error
    assert isinstance(ordered.value, SweepReport)  # noqa: S101 - what a sweep gives
    return ordered.value


def _write(report: SweepReport) -> None:
    steps = report.plan.steps
    if steps:
        rows = [(step.kind, step.sandbox_id, step.generation, step.why) for step in steps]
        write_table(("STEP", "SANDBOX", "GEN", "WHY"), rows, flexible=("WHY",))
    for worker_id in report.lost_workers:
        write_line(f"lost: worker {worker_id}")
    for info in report.plan.unplaced:
        write_line(f"no room: {info.container_name}; raise sandbox.replicas and sweep with --adopt again")
    counts = report.counts
    done = "nothing was changed" if report.dry_run else f"{counts.actions} done, {counts.failures} failed"
    write_line(f"expected {counts.expected}, observed {counts.observed}: {len(steps)} planned, {done}")
