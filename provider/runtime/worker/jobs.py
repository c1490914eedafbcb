"""What a process knows about its recurring jobs, whether a scheduler runs them or a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from provider.domain.workers import JobRow


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job as this process sees it; `error` is what its last run raised, None when it went well or never ran."""

    name: str
    every_seconds: float
    runs: int
    last_run_at: datetime | None
    next_run_at: datetime | None
    error: str | None


class JobRecord:
    """The record of one job. Safe from any thread."""

    def __init__(self, name: str, every_seconds: float) -> None:
        self._name = name
        self._every_seconds = every_seconds
        self._lock = threading.Lock()
        self._last: tuple[int, datetime | None, str | None] = (0, None, None)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Note a run and what it raises; it counts from its beginning."""
        with self._lock:
            self._last = (self._last[0] + 1, datetime.now(UTC), None)
        try:
            yield
        except Exception as error:
            with self._lock:
                self._last = (*self._last[:2], f"{type(error).__name__}: {error}")
            raise

    def status(self, next_run_at: datetime | None = None) -> JobStatus:
        """Return how the job is doing."""
        runs, last_run_at, error = self._last
        return JobStatus(self._name, self._every_seconds, runs, last_run_at, next_run_at, error)


def as_rows(jobs: Sequence[JobStatus]) -> list[JobRow]:
    """Describe jobs for the ledger by how long ago they ran, since another machine has another clock."""
    now = datetime.now(UTC)
    return [
        JobRow(
            name=job.name, every_seconds=job.every_seconds, runs=job.runs, error=job.error,
            seconds_ago=max(0.0, (now - job.last_run_at).total_seconds()) if job.last_run_at is not None else None,
        )
        for job in jobs
    ]  # fmt: skip
