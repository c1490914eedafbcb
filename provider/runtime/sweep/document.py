"""A sweep's report as plain values, the same for the command line and the JSON API."""

from __future__ import annotations

import dataclasses
from typing import Any

from provider.domain.log import format_timestamp
from provider.domain.reconciliation import Step
from provider.runtime.sweep.sweep import SweepReport


def sweep_document(report: SweepReport) -> dict[str, Any]:
    """Describe a sweep with the column names of the table `sweeps`, and its steps."""
    return {
        "sweep_id": report.sweep_id,
        "started_at": format_timestamp(report.started_at),
        "finished_at": format_timestamp(report.finished_at),
        "leader": report.worker_id,
        "dry_run": report.dry_run,
        **dataclasses.asdict(report.counts),
        "lost_worker_ids": list(report.lost_workers),
        "steps": [_step_document(step) for step in report.plan.steps],
        "errors": [{**_step_document(failure.step), "error": failure.reason} for failure in report.failures],
        "unplaced": [info.container_name for info in report.plan.unplaced],
    }


def _step_document(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind, "sandbox_id": step.sandbox_id, "generation": step.generation, "worker_id": step.worker_id,
        "why": step.why,
    }  # fmt: skip
