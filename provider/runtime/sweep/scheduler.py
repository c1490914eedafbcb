"""Recurring jobs on APScheduler: each runs alone, runs that were missed are made up for by one, an error ends none.

The only module that imports APScheduler.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provider.runtime.worker.jobs import JobRecord, JobStatus

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

logger = logging.getLogger(__name__)

THREADS = 4


class Scheduler:
    """Runs jobs at intervals on a few threads. Safe from any thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[float, Callable[[], None], JobRecord]] = {}
        self._scheduler: BackgroundScheduler | None = None

    def add(self, name: str, every_seconds: float, action: Callable[[], None]) -> None:
        """Add a job, before `start`; its first run comes after one interval."""
        self._jobs[name] = (every_seconds, action, JobRecord(name, every_seconds))

    def start(self) -> None:
        """Begin to run the jobs."""
        # Only here: the import takes a fifth of a second, and most commands schedule nothing.
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        longest = max(every for every, _, _ in self._jobs.values())
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(THREADS, {"thread_name_prefix": "sandbox-job"})},
            # A run that comes late is still wanted, and ten that were missed are one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": max(60, int(longest))},
            daemon=True,
            logger=_quiet_logger(),
        )
        for name, (every, _, _) in self._jobs.items():
            scheduler.add_job(self._run, "interval", args=[name], seconds=every, id=name, name=name)
        scheduler.start()
        self._scheduler = scheduler

    def run_soon(self, name: str) -> None:
        """Let a job's next run come at once."""
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def stop(self) -> None:
        """Run nothing more; runs under way are waited for. Idempotent."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=True)

    def list_jobs(self) -> Sequence[JobStatus]:
        """Return how the jobs are doing."""
        scheduler = self._scheduler
        scheduled = {job.id: job.next_run_time for job in scheduler.get_jobs()} if scheduler is not None else {}
        return [record.status(scheduled.get(name)) for name, (_, _, record) in self._jobs.items()]

    def _run(self, name: str) -> None:
        _, action, record = self._jobs[name]
        try:
            with record.run():
                action()
        except Exception:
            logger.exception("job %s failed; it runs again at its time", name, extra={"action": name})


def _quiet_logger() -> logging.Logger:
    """Return a logger for APScheduler that does not warn of every run it skips because the last one still runs."""
    quiet = logging.getLogger(f"{__name__}.apscheduler")
    quiet.setLevel(logging.ERROR)
    return quiet
