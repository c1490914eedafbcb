"""Containers, and how they ended: read from the projections, so that a filter on their columns finds an index."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect

DEATH = "CASE WHEN g.died_at IS NOT NULL THEN coalesce(g.finished_at, g.died_at) END"
"""When a container died: by the engine's word, else when it was noticed."""
_WHO = "g.sandbox_id, s.user_id, s.thread_id"
_WHERE_IT_RAN = "g.backend, g.image, g.host, g.worker_id"
_FROM = "FROM generations AS g JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id"


def end_of(generation: str) -> str:
    """Write when a container's use ended: its death, else its eviction or the failure of its start."""
    g = generation
    return f"CASE WHEN {g}.died_at IS NOT NULL THEN coalesce({g}.finished_at, {g}.died_at) ELSE {g}.ended_at END"


def detection_seconds(dialect: Dialect, generation: str) -> str:
    """Write how long a death went unnoticed; NULL where the engine did not say when it happened."""
    return dialect.elapsed(f"{generation}.finished_at", f"{generation}.died_at")


def container_lifetimes(dialect: Dialect) -> str:
    """One row per container that was ever intended."""
    return f"""
SELECT
    {_WHO}, g.generation, {_WHERE_IT_RAN}, g.cause, g.container_id, g.container_name,
    g.creating_at, g.started_at, g.ready_at, g.startup_seconds,
    {DEATH} AS died_at, g.died_at AS detected_at, g.detected_by,
    g.ended_at, g.end_reason, g.expected, g.exit_code, g.oom_killed, g.removed_at,
    {dialect.elapsed("g.started_at", end_of("g"))} AS lifetime_seconds,
    g.error
{_FROM}
"""


def deaths(dialect: Dialect) -> str:
    """One row per container that was found not running, unexpectedly."""
    return f"""
SELECT
    {_WHO}, g.generation, {_WHERE_IT_RAN}, g.container_id, g.container_name,
    coalesce(g.finished_at, g.died_at) AS died_at, g.died_at AS detected_at, g.detected_by,
    {detection_seconds(dialect, "g")} AS detection_seconds,
    g.end_reason AS reason, g.exit_code, g.oom_killed, g.evidence_position, g.removed_at
{_FROM}
WHERE g.died_at IS NOT NULL
"""


def evictions(dialect: Dialect) -> str:
    """One row per container that was taken out of use, for whatever reason."""
    return f"""
SELECT
    {_WHO}, g.generation, {_WHERE_IT_RAN}, g.container_id, g.container_name,
    g.ended_at AS evicted_at, g.end_reason AS reason, g.expected, g.exit_code, g.oom_killed,
    {DEATH} AS died_at, g.died_at AS detected_at, g.detected_by,
    CASE WHEN g.died_at IS NOT NULL THEN {detection_seconds(dialect, "g")} END AS detection_seconds,
    g.removed_at
{_FROM}
WHERE g.ended_at IS NOT NULL AND g.end_reason IS NOT NULL
"""


def restarts(dialect: Dialect) -> str:
    """One row per container that follows one that was in use, under the same sandbox id."""
    return f"""
SELECT
    n.sandbox_id, s.user_id, s.thread_id, o.generation AS from_generation, n.generation AS to_generation,
    coalesce(o.end_reason, CASE WHEN o.died_at IS NOT NULL THEN 'crashed' END) AS cause, o.exit_code, o.oom_killed,
    CASE WHEN o.died_at IS NOT NULL THEN coalesce(o.finished_at, o.died_at) END AS died_at,
    o.died_at AS detected_at, o.detected_by,
    CASE WHEN o.died_at IS NOT NULL THEN {detection_seconds(dialect, "o")} END AS detection_seconds,
    n.ready_at AS restarted_at,
    {dialect.elapsed(f"({end_of('o')})", "n.ready_at")} AS downtime_seconds,
    o.container_id AS old_container_id, n.container_id AS new_container_id,
    o.container_name AS old_container_name, n.container_name AS new_container_name,
    n.image, n.host, n.worker_id,
    {end_of("o")} AS ended_at, coalesce(o.expected, o.died_at IS NULL) AS expected
FROM generations AS n
JOIN sandboxes AS s ON s.sandbox_id = n.sandbox_id
JOIN generations AS o ON o.sandbox_id = n.sandbox_id AND o.generation = (
    SELECT max(p.generation) FROM generations AS p
    WHERE p.sandbox_id = n.sandbox_id AND p.generation < n.generation AND p.ready_at IS NOT NULL
)
WHERE n.generation > 1
"""
