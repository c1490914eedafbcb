"""Checks that read events: was it said before it was done? Only for what lives now, and for the rare `ledger` stream.

What has ended is compared with the log by folding it (`sandbox-ledger db check`); that is no work for a view.
"""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect
from provider.store.audit_sql.rules import LIVE, Check, Rule


def intent_checks(dialect: Dialect, cut: str) -> list[Check]:
    """Find what was done without a word."""
    return [_check_creations(dialect, cut), _check_holders(dialect, cut), _check_orphans(dialect, cut)]


def _check_creations(dialect: Dialect, cut: str) -> Check:
    """Trace each live container to the last creation in its stream, for the same user and thread."""
    generation = dialect.number("e.data", "generation")

    def other(column: str) -> str:
        return f"coalesce({dialect.text('e.data', column)}, '') <> coalesce(s.{column}, '')"

    return Check(
        rows="""sandboxes AS s
LEFT JOIN events AS e ON e.stream = 'sandbox:' || s.sandbox_id AND e.version = (
    SELECT n.version FROM events AS n
    WHERE n.stream = 'sandbox:' || s.sandbox_id AND n.type IN ('SandboxCreating', 'OrphanAdopted')
    ORDER BY n.version DESC LIMIT 1
)""",
        among=f"s.status IN {LIVE}",
        subject="'sandbox:' || s.sandbox_id", position="e.position",
        rules=(
            Rule(
                name="created_without_intent",
                broken=f"e.version IS NULL AND {cut} = 0 OR coalesce({generation}, s.generation) <> s.generation",
                detail="'the log does not say that generation ' || s.generation || ' was to be created'",
            ),
            Rule(
                name="identity_differs",
                broken=f"e.version IS NOT NULL AND ({other('user_id')} OR {other('thread_id')})",
                detail="'its row tells another user or thread than the creation of its container'",
            ),
        ),
    )  # fmt: skip


def _check_holders(dialect: Dialect, cut: str) -> Check:
    """Trace each holder to its last word in the sandbox's stream: that it acquired it."""
    last = f"""(
    SELECT e.type FROM events AS e
    WHERE e.stream = 'sandbox:' || s.sandbox_id AND e.type IN ('SandboxAcquired', 'SandboxReleased')
        AND {dialect.text("e.data", "worker_id")} = h.value
    ORDER BY e.version DESC LIMIT 1
)"""
    untold = Rule(
        name="hold_not_in_log",
        broken=f"coalesce({last}, CASE WHEN {cut} = 0 THEN 'none' ELSE 'SandboxAcquired' END) <> 'SandboxAcquired'",
        detail="'the log does not say that worker ' || h.value || ' holds it'",
    )  # fmt: skip
    return Check(
        rows=f"sandboxes AS s CROSS JOIN {dialect.elements('s.holders', 'h')}",
        among="s.status = 'active'",
        subject="'sandbox:' || s.sandbox_id", rules=(untold,),
    )  # fmt: skip


def _check_orphans(dialect: Dialect, cut: str) -> Check:
    """Trace the removal of a container that no stream speaks of to a request before it, by whomever."""
    removed = f"{dialect.text('o.data', 'container_name')} || ' ' || {dialect.text('o.data', 'container_id')}"
    asked = f"""
    SELECT 1 FROM events AS r
    WHERE r.stream = 'ledger' AND r.type = 'OperatorActionRequested' AND r.version < o.version
        AND {dialect.text("r.data", "target")} = {removed}
"""
    unasked = Rule(
        name="orphan_removed_without_intent", broken=f"NOT EXISTS ({asked})",
        detail="'an unknown container was removed, and no event had said so before'",
    )  # fmt: skip
    return Check(
        rows="events AS o",
        among=f"o.stream = 'ledger' AND o.type = 'OrphanRemoved' AND {cut} = 0",
        subject="o.stream", position="o.position", rules=(unasked,),
    )  # fmt: skip
