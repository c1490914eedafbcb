"""What `doctor` says about the jobs of all workers."""

from __future__ import annotations

from provider.cli.diagnosis import report_jobs
from provider.domain.workers import JobRow, WorkerJobs

LEASE = 30.0


def job(name: str = "sweep", ago: float | None = 4.0, error: str | None = None) -> JobRow:
    return JobRow(name=name, every_seconds=10.0, runs=0 if ago is None else 3, seconds_ago=ago, error=error)


def statuses(*workers: WorkerJobs) -> list[tuple[str, str]]:
    return [(finding.subject, finding.status) for finding in report_jobs(workers, LEASE)]


def test_each_job_of_all_workers_has_one_line() -> None:
    first = WorkerJobs("w1", 1.0, (job("heartbeat"), job()))
    second = WorkerJobs("w2", 1.0, (job("heartbeat", 2.0), job("forget", None)))
    findings = list(report_jobs([first, second], LEASE))
    assert [(f.subject, f.status) for f in findings] == [
        ("job heartbeat", "ok"), ("job sweep", "ok"), ("job forget", "ok"),
    ]  # fmt: skip
    assert findings[0].message == "every 10 s, on 2 workers; 6 runs, the last 2 s ago"
    assert findings[2].message == "every 10 s, on 1 worker; not run yet"


def test_a_job_that_failed_or_is_overdue_stands_out() -> None:
    failed = WorkerJobs("w1", 1.0, (job(error="BackendUnavailable: away"),))
    healthy = WorkerJobs("w2", 1.0, (job(),))
    (finding,) = report_jobs([failed, healthy], LEASE)
    assert finding.status == "fail"
    assert "w1: BackendUnavailable: away" in finding.message
    assert statuses(WorkerJobs("w1", 1.0, (job(ago=3 * 10.0 + LEASE - 1),))) == [("job sweep", "ok")]
    assert statuses(WorkerJobs("w1", 1.0, (job(ago=3 * 10.0 + LEASE + 1),))) == [("job sweep", "warn")]


def test_silence_is_told_and_what_the_silent_did_is_not() -> None:
    assert statuses() == [("jobs", "warn")]
    assert statuses(WorkerJobs("w1", LEASE + 1, (job(),))) == [("worker", "warn"), ("jobs", "warn")]
