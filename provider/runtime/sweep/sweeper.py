"""The sweeper of one process: stands for the lead, sweeps while it leads, and lists how its jobs are doing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provider.domain.sweeps import SWEEP_LEASE, LeaseRow, SweepRow
from provider.ports.coordination import Leases, SweepLedger
from provider.runtime.sweep.leader import LOOKS_PER_LEASE, Leader, LeadLost
from provider.runtime.sweep.scheduler import Scheduler
from provider.runtime.sweep.sweep import Sweep
from provider.runtime.worker.jobs import JobStatus

logger = logging.getLogger(__name__)

FORGET_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class SweeperStatus:
    """What `doctor` shows: who leads and how the last sweeps went; `jobs` only of the asking process."""

    lease: LeaseRow | None
    recent: Sequence[SweepRow]
    jobs: Sequence[JobStatus] = ()


def read_status(sweeps: SweepLedger, leases: Leases, limit: int = 20) -> SweeperStatus:
    """Read from the ledger who leads and how the last sweeps went."""
    return SweeperStatus(leases.find(SWEEP_LEASE), sweeps.list_recent(limit))


class Sweeper:
    """The scheduled sweep of one process. Nothing runs before `start`."""

    def __init__(
        self,
        sweep: Sweep,
        leader: Leader,
        sweeps: SweepLedger,
        scheduler: Scheduler,
        *,
        lease_time: float,
        interval: float,
        retention_days: float,
    ) -> None:
        self._sweep = sweep
        self._leader = leader
        self._sweeps = sweeps
        self._scheduler = scheduler
        self._look_every = min(lease_time / LOOKS_PER_LEASE, interval)
        self._interval = interval
        self._retention_days = retention_days

    def add_job(self, name: str, every_seconds: float, action: Callable[[], None]) -> None:
        """Add a job that runs only while this process leads; before `start`."""

        def act() -> None:
            if self._leader.term is not None:
                action()

        self._scheduler.add(name, every_seconds, act)

    def start(self) -> None:
        """Begin to stand for the lead; the first sweep follows soon after it is won."""
        self._scheduler.add("lead", self._look_every, self._stand)
        self._scheduler.add("sweep", self._interval, self._sweep_if_leading)
        self._scheduler.add("forget_sweeps", FORGET_SECONDS, self._forget)
        self._scheduler.start()

    def stop(self) -> None:
        """End a sweep under way after the steps it has begun, and let another process lead."""
        led = self._leader.term is not None
        self._leader.step_down()
        self._scheduler.stop()
        if led:
            self._leader.resign()

    def list_jobs(self) -> Sequence[JobStatus]:
        """Return how the jobs are doing in this process."""
        return self._scheduler.list_jobs()

    def _stand(self) -> None:
        before = self._leader.term
        term = self._leader.stand()
        if term is not None and (before is None or before.token != term.token):
            self._scheduler.run_soon("sweep")

    def _sweep_if_leading(self) -> None:
        term = self._leader.term
        if term is None:
            return
        try:
            self._sweep.run(token=term.token, fence=lambda: self._leader.require(term.token))
        except LeadLost as lost:
            logger.info("%s", lost, extra={"action": "sweep"})

    def _forget(self) -> None:
        if self._leader.term is not None:
            self._sweeps.forget(self._retention_days)
