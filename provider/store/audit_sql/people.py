"""What operators asked for, and what came of it."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect


def operator_actions(dialect: Dialect) -> str:
    """One row per `OperatorActionRequested`, with its outcome.

    The outcome is the `OperatorActionCompleted` of the same call about the same target. A sweep that removes an unknown
    container says what it intends in the same words, and `OrphanRemoved` says that it was done, perhaps by another one.
    """
    asked, answer = "r.data", "o.data"
    answered = dialect.text("c.data", "target")
    orphan = f"{dialect.text('c.data', 'container_name')} || ' ' || {dialect.text('c.data', 'container_id')}"
    return f"""
SELECT
    r.position, r.recorded_at AS requested_at, {dialect.text(asked, "operator")} AS operator,
    {dialect.text(asked, "action")} AS action, {dialect.text(asked, "target")} AS target,
    (SELECT s.sandbox_id FROM sandboxes AS s WHERE s.sandbox_id = {dialect.text(asked, "target")}) AS sandbox_id,
    {dialect.text(asked, "reason")} AS reason, r.correlation_id, r.command_id,
    CASE o.type WHEN 'OrphanRemoved' THEN 'done' ELSE {dialect.text(answer, "outcome")} END AS outcome,
    {dialect.text(answer, "detail")} AS detail,
    o.recorded_at AS completed_at, {dialect.seconds("r.recorded_at", "o.recorded_at")} AS duration_seconds
FROM events AS r
LEFT JOIN events AS o ON o.position = CASE {dialect.text(asked, "action")}
    WHEN 'remove_orphan' THEN (
        SELECT min(c.position) FROM events AS c
        WHERE c.stream = 'ledger' AND c.type = 'OrphanRemoved' AND c.version > r.version
            AND {orphan} = {dialect.text(asked, "target")}
    )
    ELSE (
        SELECT min(c.position) FROM events AS c
        WHERE c.stream = 'ledger' AND c.type = 'OperatorActionCompleted' AND c.version > r.version
            AND c.correlation_id = r.correlation_id AND {answered} = {dialect.text(asked, "target")}
    )
END
WHERE r.stream = 'ledger' AND r.type = 'OperatorActionRequested'
"""
