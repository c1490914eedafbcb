"""Sweeps and workers: rows that say when something ran, with what became of it."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect


def sweeps(dialect: Dialect) -> str:
    """One row per run of the sweep; "nothing found" is also a finding."""
    return f"""
SELECT
    w.sweep_id, w.started_at, w.finished_at, w.leader, w.token, w.expected, w.observed, w.dead, w.idle, w.orphaned,
    w.lost_workers, w.actions, w.failures, w.error,
    {dialect.seconds("w.started_at", "w.finished_at")} AS duration_seconds,
    CASE
        WHEN w.finished_at IS NULL THEN 'running'
        WHEN substr(w.error, 1, 12) = 'interrupted:' THEN 'interrupted'
        WHEN w.error IS NOT NULL THEN 'failed'
        WHEN w.failures > 0 THEN 'incomplete'
        WHEN w.actions > 0 THEN 'changed'
        ELSE 'found_nothing'
    END AS outcome
FROM sweeps AS w
"""


def worker_lifetimes(dialect: Dialect) -> str:
    """One row per worker process; `lifetime_seconds` goes on to the last heartbeat while it runs.

    `acquired` is counted from the whole log, in one pass for all workers.
    """
    return f"""
SELECT
    w.worker_id, w.host, w.pid, w.started_at, w.heartbeat_at, w.ended_at, w.ended_as,
    {dialect.elapsed("w.started_at", "coalesce(w.ended_at, w.heartbeat_at)")} AS lifetime_seconds,
    coalesce(a.acquired, 0) AS acquired
FROM workers AS w
LEFT JOIN (
    SELECT actor, count(*) AS acquired FROM events WHERE type = 'SandboxAcquired' GROUP BY actor
) AS a ON a.actor = 'worker:' || w.worker_id
"""
