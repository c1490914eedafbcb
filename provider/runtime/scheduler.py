"""Recurring jobs on APScheduler: each runs alone, runs that were missed are made up for by one, an error ends none.

The only module that imports APScheduler.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

logger = logging.getLogger(__name__)

THREADS = 4


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job as this process sees it; `error` is what its last run raised, None when it went well or never ran."""

    name: str
    every_seconds: float
    runs: int
    last_run_at: datetime | None
    next_run_at: datetime | None
    error: str | None


class Scheduler:
    """Runs jobs at intervals on a few threads. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[float, Callable[[], None]]] = {}
        self._runs: dict[str, tuple[int, datetime, str | None]] = {}
        self._scheduler: BackgroundScheduler | None = None

    def add(self, name: str, every_seconds: float, action: Callable[[], None]) -> None:
        """Add a job, before `start`; its first run comes after one interval."""
        self._jobs[name] = (every_seconds, action)

    def start(self) -> None:
        """Begin to run the jobs."""
        # Only here: the import takes a fifth of a second, and most commands schedule nothing.
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        longest = max(every for every, _ in self._jobs.values())
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(THREADS, {"thread_name_prefix": "sandbox-job"})},
            # A run that comes late is still wanted, and ten that were missed are one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": max(60, int(longest))},
            daemon=True,
            logger=_quiet_logger(),
        )
        for name, (every, _) in self._jobs.items():
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
        """Tell how the jobs are doing."""
        return [self._status(name, every) for name, (every, _) in self._jobs.items()]

    def _status(self, name: str, every: float) -> JobStatus:
        scheduler = self._scheduler
        job = scheduler.get_job(name) if scheduler is not None else None
        with self._lock:
            runs, last, error = self._runs.get(name, (0, None, None))
        return JobStatus(name, every, runs, last, job.next_run_time if job is not None else None, error)

    def _run(self, name: str) -> None:
        began, error = datetime.now(UTC), None
        try:
            self._jobs[name][1]()
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
            logger.exception("job %s failed; it runs again at its time", name, extra={"action": name})
        with self._lock:
            runs = self._runs.get(name, (0, began, None))[0]
            self._runs[name] = (runs + 1, began, error)


def _quiet_logger() -> logging.Logger:
    """Give APScheduler a logger that does not warn of every run it skips because the last one still runs."""
    quiet = logging.getLogger(f"{__name__}.apscheduler")
    quiet.setLevel(logging.ERROR)
    return quiet
