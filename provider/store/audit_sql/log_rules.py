"""Rules about the log itself, and the tables that say where it ends. All in one pass over an index of `events`.

`cut` is the position up to which the log was archived away, as SQL: 0 while nothing ever was. What the missing part
would have to prove is not asked for then.
"""

from __future__ import annotations

from provider.store.audit_sql.rules import Rule


def shared(cut: str) -> str:
    """Name what the rules have in common: each stream as the log has it, and the cut."""
    return f"""
cut AS (SELECT {cut} AS position),
logged AS (
    SELECT stream, count(*) AS events, min(version) AS first, max(version) AS last FROM events GROUP BY stream
),
present AS (SELECT coalesce(sum(events), 0) AS events FROM logged)
"""


def log_rules() -> list[Rule]:
    """Gaps, and an end that is not where the head row and the streams say."""
    return [
        Rule(
            name="gap_in_positions", subject="'ledger'",
            detail="(h.position - c.position - p.events) || ' events are missing from the log'",
            position="""(
        SELECT min(e.position) + 1 FROM events AS e
        WHERE e.position < (SELECT max(position) FROM events)
            AND NOT EXISTS (SELECT 1 FROM events AS n WHERE n.position = e.position + 1)
    )""",
            rows="""
FROM ledger_head AS h CROSS JOIN present AS p CROSS JOIN cut AS c
WHERE h.position - c.position <> p.events AND h.position = (SELECT max(position) FROM events)""",
        ),
        Rule(
            name="head_differs", subject="'ledger'", position="h.position",
            detail="'the head row says that event ' || h.position || ' is the last one, the log does not end with it'",
            rows="""
FROM ledger_head AS h CROSS JOIN cut AS c
WHERE h.position > c.position AND (
    NOT EXISTS (
        SELECT 1 FROM events AS e
        WHERE e.position = h.position AND e.hash = h.hash AND e.recorded_at = h.recorded_at
    )
    OR h.position < (SELECT max(position) FROM events)
)
OR h.position <= c.position AND EXISTS (SELECT 1 FROM events)""",
        ),
        Rule(
            name="gap_in_versions", subject="l.stream",
            detail="'versions ' || l.first || ' to ' || l.last || ' hold ' || l.events || ' events'",
            rows="""
FROM logged AS l CROSS JOIN cut AS c
WHERE l.events <> l.last - l.first + 1 OR (l.first <> 1 AND c.position = 0)""",
        ),
        Rule(
            name="stream_differs", subject="s.stream",
            detail="'its row says version ' || s.version || ', the log ' || coalesce(CAST(l.last AS text), 'has none')",
            rows="""
FROM streams AS s CROSS JOIN cut AS c LEFT JOIN logged AS l ON l.stream = s.stream
WHERE l.last <> s.version OR (l.last IS NULL AND c.position = 0)""",
        ),
        Rule(
            name="stream_unknown", subject="l.stream", detail="'the log has this stream, the table streams has not'",
            rows="""
FROM logged AS l LEFT JOIN streams AS s ON s.stream = l.stream
WHERE s.stream IS NULL""",
        ),
    ]  # fmt: skip
