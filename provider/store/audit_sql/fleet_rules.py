"""Checks of sandboxes and their containers, from the projections."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect
from provider.store.audit_sql.rules import LIVE, Check, Rule

END_REASONS = ("crashed", "oom", "idle", "capacity", "request", "shutdown", "lost_worker", "orphaned")
CRASH_REASONS = ("crashed", "oom")
"""As the events have them at this revision: written out, because a migration must not change with the code."""
PATIENCE_MINUTES = 5
"""So long may a hold outlast its worker: it is taken back in a second step, by the next sweep at the latest."""
_OPEN = "g.removed_at IS NULL AND g.ended_at IS NULL AND g.died_at IS NULL"
"""What holds for a container that lives, as far as the ledger knows."""
_GENERATION = "'generation ' || g.generation"
_CONTAINER = "'sandbox:' || g.sandbox_id"
_SANDBOX = "'sandbox:' || s.sandbox_id"


def _listed(names: tuple[str, ...]) -> str:
    return f"({', '.join(repr(name) for name in names)})"


def fleet_checks(dialect: Dialect, cut: str) -> list[Check]:
    """Find what contradicts itself, the capacity, or the log where it points into it."""
    return [
        _check_sandboxes(), _check_containers(), _check_mapping(), _check_live_generations(), _check_threads(),
        _check_evidence(cut), _check_capacity(), _check_ended_holders(dialect),
    ]  # fmt: skip


def _check_sandboxes() -> Check:
    """Compare each sandbox with its stream and with its newest container."""
    return Check(
        rows="""sandboxes AS s
LEFT JOIN streams AS t ON t.stream = 'sandbox:' || s.sandbox_id
LEFT JOIN generations AS g ON g.sandbox_id = s.sandbox_id AND g.generation = s.generation""",
        subject=_SANDBOX,
        rules=(
            Rule(
                name="sandbox_invented", broken="t.version IS NULL",
                detail="'there is a row in sandboxes, and no stream'",
            ),
            Rule(
                name="sandbox_differs", broken="t.version <> s.version",
                detail="'its row is at version ' || s.version || ', its stream at ' || t.version",
            ),
            Rule(
                name="live_without_container",
                broken=f"s.status IN {LIVE} AND NOT (g.generation IS NOT NULL AND {_OPEN})",
                detail="'it is ' || s.status || ', and generation ' || s.generation || ' has ended or never was'",
            ),
            Rule(
                name="generation_differs", broken="g.generation IS NULL AND s.generation > 0",
                detail="'its row is at generation ' || s.generation || ', and there is no such container'",
            ),
            Rule(
                name="holders_differ", broken="(s.status = 'active') = (s.holders = '[]')",
                detail="'it is ' || s.status || CASE WHEN s.holders = '[]' THEN ', and nobody holds it' "
                       "ELSE ', and somebody holds it' END",
            ),
        ),
    )  # fmt: skip


def _check_containers() -> Check:
    """Find removals without intent or evidence, reasons outside the closed set, and containers of nothing."""
    died = f"(g.died_at IS NOT NULL OR g.end_reason IN {_listed(CRASH_REASONS)})"
    return Check(
        rows="generations AS g LEFT JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id", subject=_CONTAINER,
        rules=(
            Rule(
                name="container_of_nothing", broken="s.sandbox_id IS NULL",
                detail=f"{_GENERATION} || ' belongs to no sandbox'",
            ),
            Rule(
                name="generation_differs", broken="s.generation < g.generation",
                detail="'its row is at generation ' || s.generation || ', a container at ' || g.generation",
            ),
            Rule(
                name="removed_without_intent", broken="g.removed_at IS NOT NULL AND g.ended_at IS NULL",
                detail=f"{_GENERATION} || ' was removed, and no event had taken it out of use'",
            ),
            Rule(
                name="removed_without_evidence",
                broken=f"g.removed_at IS NOT NULL AND g.evidence_position IS NULL AND {died}",
                detail=f"{_GENERATION} || ' died unexpectedly and was removed without evidence'",
            ),
            Rule(
                name="unknown_end_reason", broken=f"g.end_reason NOT IN {_listed(END_REASONS)}",
                detail=f"{_GENERATION} || ' ended by ' || g.end_reason",
            ),
        ),
    )  # fmt: skip


def _check_mapping() -> Check:
    lost = Rule(
        name="container_not_in_mapping", broken=f"s.status NOT IN {LIVE}",
        detail=f"{_GENERATION} || ' has not ended, and the sandbox is ' || s.status",
    )  # fmt: skip
    return Check(
        rows="generations AS g JOIN sandboxes AS s ON s.sandbox_id = g.sandbox_id", among=_OPEN,
        subject=_CONTAINER, rules=(lost,),
    )  # fmt: skip


def _check_live_generations() -> Check:
    twice = Rule(
        name="two_live_generations", broken="count(*) > 1",
        detail="'generations ' || min(g.generation) || ' and ' || max(g.generation) || ' are both live'",
    )  # fmt: skip
    return Check(rows="generations AS g", among=_OPEN, by="g.sandbox_id", subject=_CONTAINER, rules=(twice,))


def _check_threads() -> Check:
    """Group by thread first, for which there is an index: few threads need the second look."""
    double = Rule(
        name="two_sandboxes_of_one_thread", broken="count(*) > 1",
        detail="'its user and thread have sandbox ' || min(s.sandbox_id) || ' too'",
    )  # fmt: skip
    return Check(
        rows="sandboxes AS s",
        among="s.thread_id IN (SELECT thread_id FROM sandboxes GROUP BY thread_id HAVING count(*) > 1)",
        by="s.user_id, s.thread_id", subject="'sandbox:' || max(s.sandbox_id)", rules=(double,),
    )  # fmt: skip


def _check_evidence(cut: str) -> Check:
    """Find each evidence by its position: an index look-up apiece is less than one reading of the log."""
    found = """(
    SELECT CASE
        WHEN e.type <> 'EvidenceCollected' OR e.stream <> 'sandbox:' || g.sandbox_id THEN 'other'
        WHEN e.recorded_at > g.removed_at THEN 'late'
        ELSE 'there'
    END FROM events AS e WHERE e.position = g.evidence_position
)"""
    wrong = Rule(
        name="evidence_not_in_log", broken=f"coalesce({found}, 'missing') <> 'there'",
        detail=f"{_GENERATION} || ' refers to evidence that the log has not there, or only after the removal'",
    )  # fmt: skip
    return Check(
        rows="generations AS g", among=f"g.evidence_position > {cut}", subject=_CONTAINER,
        position="g.evidence_position", rules=(wrong,),
    )  # fmt: skip


def _check_capacity() -> Check:
    differs = Rule(
        name="capacity_differs", broken="h.live <> s.live",
        detail="'the head row counts ' || h.live || ' live sandboxes, there are ' || s.live",
    )  # fmt: skip
    return Check(
        rows=f"ledger_head AS h CROSS JOIN (SELECT count(*) AS live FROM sandboxes WHERE status IN {LIVE}) AS s",
        subject="'ledger'", rules=(differs,), position="h.position",
    )  # fmt: skip


def _check_ended_holders(dialect: Dialect) -> Check:
    held = Rule(
        name="held_by_ended_worker", broken=f"w.ended_at < {dialect.minutes_ago(PATIENCE_MINUTES)}",
        detail="'worker ' || w.worker_id || ' holds it and has ' || coalesce(w.ended_as, 'ended')",
    )  # fmt: skip
    return Check(
        rows=f"sandboxes AS s CROSS JOIN {dialect.elements('s.holders', 'h')} "
             "JOIN workers AS w ON w.worker_id = h.value",
        among="s.status = 'active'", subject=_SANDBOX, rules=(held,),
    )  # fmt: skip
