"""Who held which sandbox when, from the log: each look-up goes along one stream, by UNIQUE (stream, version)."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect


def holds(dialect: Dialect) -> str:
    """One row per hold: from `SandboxAcquired` to whatever ended it first.

    That is the same worker's `SandboxReleased`, the container's death or eviction, or the next generation. The sandbox
    is tied to its stream both ways, so that a database may begin with either.
    """
    taken, ending = "a.data", "e.data"
    same_generation = f"{dialect.text(ending, 'generation')} = {dialect.text(taken, 'generation')}"
    same_worker = f"{dialect.text(ending, 'worker_id')} = {dialect.text(taken, 'worker_id')}"
    return f"""
SELECT
    s.sandbox_id, s.user_id, s.thread_id, {dialect.number(taken, "generation")} AS generation,
    {dialect.text(taken, "worker_id")} AS worker_id, {dialect.text(taken, "how")} AS how,
    a.recorded_at AS acquired_at, r.recorded_at AS released_at,
    CASE r.type
        WHEN 'SandboxReleased' THEN {dialect.text("r.data", "cause")}
        WHEN 'SandboxDied' THEN 'died'
        WHEN 'SandboxEvicted' THEN 'evicted'
        WHEN 'SandboxCreating' THEN 'replaced'
        WHEN 'OrphanAdopted' THEN 'replaced'
    END AS release_cause,
    {dialect.seconds("a.recorded_at", "r.recorded_at")} AS held_seconds
FROM sandboxes AS s
JOIN events AS a ON a.stream = 'sandbox:' || s.sandbox_id AND s.sandbox_id = substr(a.stream, 9)
LEFT JOIN events AS r ON r.stream = a.stream AND r.version = (
    SELECT e.version FROM events AS e
    WHERE e.stream = a.stream AND e.version > a.version AND (
        e.type IN ('SandboxCreating', 'OrphanAdopted')
        OR e.type IN ('SandboxDied', 'SandboxEvicted') AND {same_generation}
        OR e.type = 'SandboxReleased' AND {same_generation} AND {same_worker}
    )
    ORDER BY e.version LIMIT 1
)
WHERE a.type = 'SandboxAcquired'
"""
