"""Checks of the log itself, and of the tables that say where it ends, in one pass over an index of `events`.

`cut` is the position up to which the log was archived away, as SQL: 0 while nothing ever was. What the missing part
would have to prove is not asked for then.
"""

from __future__ import annotations

from provider.store.audit_sql.rules import Check, Rule

LOGGED = """
logged AS (
    SELECT stream, count(*) AS events, min(version) AS first, max(version) AS last FROM events GROUP BY stream
)
"""
"""Each stream as the log has it: what the checks have in common."""
CUT = "(SELECT coalesce(max(through_position), 0) FROM archives)"
_UNPRUNED = f"(SELECT min(position) FROM events) <= {CUT}"
LOGGED_0005 = f"""
logged AS (
    SELECT stream, count(*) AS events, min(version) AS first, max(version) AS last
    FROM events WHERE NOT coalesce({_UNPRUNED}, false) GROUP BY stream
    UNION ALL
    SELECT stream, count(*), min(version), max(version)
    FROM events WHERE {_UNPRUNED} AND position > {CUT} GROUP BY stream
)
"""
"""The same over a log whose oldest part was archived, of which some may not have left the table yet.

In two branches, of which one never runs: as long as nothing is left over, an index answers without the table.
"""
_LAST = "(SELECT max(position) FROM events)"


def log_checks(cut: str) -> list[Check]:
    """Find gaps, and an end that is not where the head row and the streams say."""
    return [_check_positions(cut), _check_head(cut), _check_streams(cut), _check_unknown_streams()]


def _check_positions(cut: str) -> Check:
    missing = Rule(
        name="gap_in_positions", broken=f"h.position - {cut} <> p.events",
        detail=f"(h.position - {cut} - p.events) || ' events are missing from the log'",
    )  # fmt: skip
    return Check(
        rows="ledger_head AS h CROSS JOIN (SELECT coalesce(sum(events), 0) AS events FROM logged) AS p",
        among=f"h.position = {_LAST}", subject="'ledger'", rules=(missing,),
        position=f"""(
        SELECT min(e.position) + 1 FROM events AS e
        WHERE e.position < {_LAST} AND NOT EXISTS (SELECT 1 FROM events AS n WHERE n.position = e.position + 1)
    )""",
    )  # fmt: skip


def _check_head(cut: str) -> Check:
    is_last = "e.position = h.position AND e.hash = h.hash AND e.recorded_at = h.recorded_at"
    cut_off = Rule(
        name="head_differs",
        broken=f"h.position > {cut} AND "
               f"(h.position < {_LAST} OR NOT EXISTS (SELECT 1 FROM events AS e WHERE {is_last}))"
               f" OR h.position <= {cut} AND EXISTS (SELECT 1 FROM events)",
        detail="'the head row says that event ' || h.position || ' is the last one, the log does not end with it'",
    )  # fmt: skip
    return Check(rows="ledger_head AS h", subject="'ledger'", rules=(cut_off,), position="h.position")


def _check_streams(cut: str) -> Check:
    """Compare each stream's row with the log, and look for its sandbox."""
    return Check(
        rows="""streams AS t
LEFT JOIN logged AS l ON l.stream = t.stream
LEFT JOIN sandboxes AS s ON s.sandbox_id = substr(t.stream, 9)""",
        subject="t.stream",
        rules=(
            Rule(
                name="stream_differs", broken=f"l.last <> t.version OR l.last IS NULL AND {cut} = 0",
                detail="'its row is at version ' || t.version || ', the log ' || coalesce('at ' || l.last, 'has none')",
            ),
            Rule(
                name="gap_in_versions", broken=f"l.events <> l.last - l.first + 1 OR l.first <> 1 AND {cut} = 0",
                detail="'versions ' || l.first || ' to ' || l.last || ' hold ' || l.events || ' events'",
            ),
            Rule(
                name="sandbox_missing", broken="s.sandbox_id IS NULL AND substr(t.stream, 1, 8) = 'sandbox:'",
                detail="'there is a stream, and no row in sandboxes'",
            ),
        ),
    )  # fmt: skip


def _check_unknown_streams() -> Check:
    unknown = Rule(
        name="stream_unknown", broken="t.stream IS NULL",
        detail="'the log has ' || l.events || ' events of this stream, the table streams does not know it'",
    )  # fmt: skip
    return Check(rows="logged AS l LEFT JOIN streams AS t ON t.stream = l.stream", subject="l.stream", rules=(unknown,))
