"""Reading `v_violations`: the broken invariants that SQL can see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from provider.domain.findings import Violation

_VIOLATIONS = text("SELECT rule, subject, detail, position FROM v_violations ORDER BY rule, subject LIMIT :limit")


def list_violations(connection: Connection, limit: int = 1000) -> Sequence[Violation]:
    """List up to `limit` broken invariants, by rule; none on a healthy ledger."""
    rows = connection.execute(_VIOLATIONS, {"limit": limit})
    return [Violation(row.rule, row.subject, row.detail, row.position) for row in rows]
