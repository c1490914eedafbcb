"""What `doctor` says about the recurring jobs of all workers: one line for each job, one for each silent worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provider.cli.finding import Finding
from provider.domain.workers import JobRow, WorkerJobs

OVERDUE_INTERVALS = 3.0


def report_jobs(workers: Sequence[WorkerJobs], lease_seconds: float) -> Iterator[Finding]:
    """Tell how the jobs are, from what the workers wrote with their last heartbeats."""
    present = [worker for worker in workers if worker.silent_seconds <= lease_seconds]
    for worker in workers:
        if worker not in present:
            silent = f"worker {worker.worker_id} has been silent for {worker.silent_seconds:.0f} s"
            yield Finding("worker", "warn", f"{silent}; the next sweep declares it lost")
    if not present:
        yield Finding("jobs", "warn", "no worker runs now, so nothing beats, flushes or sweeps")
    told: dict[str, dict[str, JobRow]] = {}
    for worker in present:
        for job in worker.jobs:
            told.setdefault(job.name, {})[worker.worker_id] = job
    for name, jobs in told.items():
        yield _report(name, jobs, lease_seconds)


def _report(name: str, jobs: Mapping[str, JobRow], lease_seconds: float) -> Finding:
    subject, every = f"job {name}", max(job.every_seconds for job in jobs.values())
    where = f"every {every:g} s, on {len(jobs)} worker{'s' if len(jobs) > 1 else ''}"
    failed = [f"{worker_id}: {job.error}" for worker_id, job in jobs.items() if job.error]
    if failed:
        return Finding(subject, "fail", f"{where}; its last run failed on {'; '.join(failed)}")
    late = [
        f"{worker_id}, {job.seconds_ago:.0f} s ago"
        for worker_id, job in jobs.items()
        if job.seconds_ago is not None and job.seconds_ago > OVERDUE_INTERVALS * job.every_seconds + lease_seconds
    ]
    if late:
        return Finding(subject, "warn", f"{where}; overdue: its last run was on {'; '.join(late)}")
    last = min((job.seconds_ago for job in jobs.values() if job.seconds_ago is not None), default=None)
    ran = (
        f"{sum(job.runs for job in jobs.values())} runs, the last {last:.0f} s ago"
        if last is not None
        else "not run yet"
    )
    return Finding(subject, "ok", f"{where}; {ran}")
