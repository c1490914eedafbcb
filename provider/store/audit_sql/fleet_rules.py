"""Rules about sandboxes and their containers, from the projections; the log is asked where they point into it."""

from __future__ import annotations

from provider.domain.events import CRASH_REASONS, END_REASONS
from provider.store.audit_sql.dialect import Dialect
from provider.store.audit_sql.rules import LIVE, Rule

PATIENCE_MINUTES = 5
"""So long may a hold outlast its worker: it is taken back in a second step, by the next sweep at the latest."""
_OPEN = "g.removed_at IS NULL AND g.ended_at IS NULL AND g.died_at IS NULL"
_GENERATION = "'generation ' || g.generation"
_SANDBOX = "'sandbox:' || g.sandbox_id"


def _listed(names: tuple[str, ...]) -> str:
    return f"({', '.join(repr(name) for name in names)})"


_REASONS = _listed(END_REASONS)
_CRASHES = _listed(tuple(sorted(CRASH_REASONS)))


def fleet_rules(dialect: Dialect) -> list[Rule]:
    """List them all."""
    return [*_identity_rules(), *_removal_rules(dialect), *_mapping_rules(dialect), *_fold_rules()]


def _identity_rules() -> list[Rule]:
    """One live generation per sandbox; one sandbox per (user, thread)."""
    return [
        Rule(
            name="two_live_generations", subject=_SANDBOX,
            detail="'generations ' || min(g.generation) || ' and ' || max(g.generation) || ' are both live'",
            rows=f"""
FROM generations AS g WHERE {_OPEN}
GROUP BY g.sandbox_id HAVING count(*) > 1""",
        ),
        Rule(
            name="two_sandboxes_of_one_thread", subject="'sandbox:' || max(s.sandbox_id)",
            detail="'its user and thread have sandbox ' || min(s.sandbox_id) || ' too'",
            rows="""
FROM sandboxes AS s WHERE s.thread_id IS NOT NULL
GROUP BY s.user_id, s.thread_id HAVING count(*) > 1""",
        ),
    ]  # fmt: skip


def _removal_rules(dialect: Dialect) -> list[Rule]:
    """Intent first; no evidence, no removal."""
    died = f"(g.died_at IS NOT NULL OR g.end_reason IN {_CRASHES})"
    target = dialect.text("r.data", "target")
    removed = f"{dialect.text('o.data', 'container_name')} || ' ' || {dialect.text('o.data', 'container_id')}"
    return [
        Rule(
            name="removed_without_evidence", subject=_SANDBOX,
            detail=f"{_GENERATION} || ' died unexpectedly and was removed without evidence'",
            rows=f"FROM generations AS g WHERE g.removed_at IS NOT NULL AND {died} AND g.evidence_position IS NULL",
        ),
        Rule(
            name="evidence_not_in_log", subject=_SANDBOX, position="g.evidence_position",
            detail=f"{_GENERATION} || ' refers to evidence that the log has not there, or only after the removal'",
            rows="""
FROM generations AS g CROSS JOIN cut AS c
LEFT JOIN events AS e ON e.position = g.evidence_position
    AND e.type = 'EvidenceCollected' AND e.stream = 'sandbox:' || g.sandbox_id
WHERE g.evidence_position > c.position AND (e.position IS NULL OR e.recorded_at > g.removed_at)""",
        ),
        Rule(
            name="removed_without_intent", subject=_SANDBOX,
            detail=f"{_GENERATION} || ' was removed, and no event had taken it out of use'",
            rows="FROM generations AS g WHERE g.removed_at IS NOT NULL AND g.ended_at IS NULL",
        ),
        Rule(
            name="orphan_removed_without_intent", subject="o.stream", position="o.position",
            detail="'an unknown container was removed, and no event had said so before'",
            rows=f"""
FROM events AS o CROSS JOIN cut AS c
WHERE o.stream = 'ledger' AND o.type = 'OrphanRemoved' AND c.position = 0 AND NOT EXISTS (
    SELECT 1 FROM events AS r
    WHERE r.stream = 'ledger' AND r.type = 'OperatorActionRequested' AND r.version < o.version AND {target} = {removed}
)""",
        ),
        Rule(
            name="unknown_end_reason", subject=_SANDBOX, detail=f"{_GENERATION} || ' ended by ' || g.end_reason",
            rows=f"FROM generations AS g WHERE g.end_reason NOT IN {_REASONS}",
        ),
    ]  # fmt: skip


def _mapping_rules(dialect: Dialect) -> list[Rule]:
    """Compare the mapping with what lives: what is dead leaves it at once, and the living hold what is held."""
    held = "s.holders <> '[]'"
    return [
        Rule(
            name="live_without_container", subject="'sandbox:' || s.sandbox_id",
            detail="'it is ' || s.status || ', and generation ' || s.generation || ' has ended or never was'",
            rows=f"""
FROM sandboxes AS s LEFT JOIN generations AS g
    ON g.sandbox_id = s.sandbox_id AND g.generation = s.generation AND {_OPEN}
WHERE s.status IN {LIVE} AND g.generation IS NULL""",
        ),
        Rule(
            name="container_not_in_mapping", subject=_SANDBOX,
            detail=f"{_GENERATION} || ' has not ended, and the sandbox is ' || s.status || ' at ' || s.generation",
            rows=f"""
FROM generations AS g JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id
WHERE {_OPEN} AND (s.status NOT IN {LIVE} OR s.generation < g.generation)""",
        ),
        Rule(
            name="holders_differ", subject="'sandbox:' || s.sandbox_id",
            detail=f"'it is ' || s.status || CASE WHEN {held} THEN ', and somebody holds it' "
                   "ELSE ', and nobody holds it' END",
            rows=f"""
FROM sandboxes AS s
WHERE s.status = 'active' AND s.holders = '[]' OR s.status <> 'active' AND {held}""",
        ),
        Rule(
            name="held_by_ended_worker", subject="'sandbox:' || s.sandbox_id",
            detail="'worker ' || w.worker_id || ' holds it and has ' || coalesce(w.ended_as, 'ended')",
            rows=f"""
FROM sandboxes AS s CROSS JOIN {dialect.elements("s.holders", "h")}
JOIN workers AS w ON w.worker_id = h.value
WHERE s.status = 'active' AND w.ended_at < {dialect.minutes_ago(PATIENCE_MINUTES)}""",
        ),
        Rule(
            name="capacity_differs", subject="'ledger'", position="h.position",
            detail="'the head row counts ' || h.live || ' live sandboxes, there are ' || s.live",
            rows=f"""
FROM ledger_head AS h CROSS JOIN (SELECT count(*) AS live FROM sandboxes WHERE status IN {LIVE}) AS s
WHERE h.live <> s.live""",
        ),
    ]  # fmt: skip


def _fold_rules() -> list[Rule]:
    """Compare the projections with the log, as far as versions and numbers tell."""
    return [
        Rule(
            name="sandbox_differs", subject="'sandbox:' || s.sandbox_id",
            detail="'its row is at version ' || s.version || ', its stream ' || "
                   "coalesce('at ' || t.version, 'is missing')",
            rows="""
FROM sandboxes AS s LEFT JOIN streams AS t ON t.stream = 'sandbox:' || s.sandbox_id
WHERE t.version IS NULL OR t.version <> s.version""",
        ),
        Rule(
            name="sandbox_missing", subject="t.stream", detail="'there is a stream, and no row in sandboxes'",
            rows="""
FROM streams AS t LEFT JOIN sandboxes AS s ON s.sandbox_id = substr(t.stream, 9)
WHERE substr(t.stream, 1, 8) = 'sandbox:' AND s.sandbox_id IS NULL""",
        ),
        Rule(
            name="generation_differs", subject="'sandbox:' || s.sandbox_id",
            detail="'its row is at generation ' || s.generation || ', its newest container at ' || "
                   "coalesce(CAST(max(g.generation) AS text), 'none')",
            rows="""
FROM sandboxes AS s LEFT JOIN generations AS g ON g.sandbox_id = s.sandbox_id
GROUP BY s.sandbox_id, s.generation HAVING s.generation <> coalesce(max(g.generation), 0)""",
        ),
        Rule(
            name="generation_of_nothing", subject=_SANDBOX, detail=f"{_GENERATION} || ' belongs to no sandbox'",
            rows="""
FROM generations AS g LEFT JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id
WHERE s.sandbox_id IS NULL""",
        ),
    ]  # fmt: skip
