"""The sweep of a worker, and the schedule for it and for the sealing of the log."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from provider.runtime.sweep.leader import Leader
from provider.runtime.sweep.scheduler import Scheduler
from provider.runtime.sweep.sweep import Sweep
from provider.runtime.sweep.sweeper import Sweeper
from provider.store.coordination.leases import SqlLeases
from provider.store.coordination.sweeps import SqlSweeps

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.runtime.replica import Replica
    from provider.runtime.worker.activity import Activity
    from provider.runtime.worker.worker import Worker
    from provider.store.database import Database
    from provider.store.log.event_store import SqlEventStore


def assemble_sweep(
    settings: Settings, database: Database, worker: Worker, replica: Replica, activity: Activity
) -> Sweep:
    """Wire a worker's sweep."""
    return Sweep(worker, replica, activity, SqlSweeps(database), settings.sweeper.orphan_grace)


def schedule_sweep(settings: Settings, store: SqlEventStore, worker: Worker, sweep: Sweep) -> Sweeper:
    """Wire the schedule for a worker's sweep, and for what else only a leader does."""
    wanted, lease_time = settings.sweeper, settings.worker.lease_time
    sweeper = Sweeper(
        sweep, Leader(SqlLeases(store.database), worker.worker_id, lease_time), SqlSweeps(store.database), Scheduler(),
        lease_time=lease_time, interval=wanted.interval, retention_days=wanted.retention_days,
    )  # fmt: skip
    if settings.audit.seal_interval:
        _schedule_sealing(settings, store, worker, sweeper)
    return sweeper


def _schedule_sealing(settings: Settings, store: SqlEventStore, worker: Worker, sweeper: Sweeper) -> None:
    from provider.archive.sealing import LOOK_SECONDS
    from provider.bootstrap.sealing import make_sealing

    interval, sealing = settings.audit.seal_interval, make_sealing(settings, store)
    sealer = functools.partial(worker.author, f"sweeper:{worker.worker_id}")
    sweeper.add_job("seal", min(interval, LOOK_SECONDS), lambda: sealing.seal_if_older(interval, sealer()))
