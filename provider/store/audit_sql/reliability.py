"""How reliable each image was, day by day."""

from __future__ import annotations

from provider.store.audit_sql.dialect import Dialect
from provider.store.audit_sql.lifetimes import detection_seconds, end_of


def daily_reliability(dialect: Dialect) -> str:
    """One row per day (UTC) and image on which a container became ready, failed to start, or ended.

    The percentile is the smallest value that at least 95 % of the day's deaths do not exceed (as `percentile_disc`),
    counted in whole numbers, so that both databases agree on it to the last digit.
    """
    end = end_of("g")
    next_ready = """
        SELECT min(n.ready_at) FROM generations AS n
        WHERE n.sandbox_id = g.sandbox_id AND n.generation > g.generation AND n.ready_at IS NOT NULL"""
    return f"""
WITH ends AS (
    SELECT
        {dialect.day(end)} AS day, g.image, g.expected, g.end_reason, g.died_at,
        {dialect.elapsed("g.ready_at", f"({end})")} AS use_seconds, {detection_seconds(dialect, "g")} AS detection,
        CASE WHEN g.died_at IS NOT NULL OR NOT g.expected THEN
            {dialect.elapsed(f"({end})", f"({next_ready})")}
        END AS repair_seconds
    FROM generations AS g
    WHERE g.died_at IS NOT NULL OR g.ended_at IS NOT NULL
), ranked AS (
    SELECT
        day, image, detection, row_number() OVER (PARTITION BY day, image ORDER BY detection) AS place,
        count(*) OVER (PARTITION BY day, image) AS deaths
    FROM ends WHERE died_at IS NOT NULL AND detection IS NOT NULL
), slowest AS (
    SELECT day, image, min(CASE WHEN 100 * place >= 95 * deaths THEN detection END) AS detection_p95
    FROM ranked GROUP BY day, image
), facts AS (
    SELECT
        {dialect.day("g.ready_at")} AS day, g.image, 1 AS start, 0 AS failure, 0 AS unexpected, 0 AS expected,
        NULL AS repair_seconds, NULL AS use_seconds
    FROM generations AS g WHERE g.ready_at IS NOT NULL
    UNION ALL
    SELECT
        day, image, 0,
        CASE WHEN died_at IS NULL AND end_reason IS NULL THEN 1 ELSE 0 END,
        CASE WHEN died_at IS NOT NULL OR (end_reason IS NOT NULL AND NOT expected) THEN 1 ELSE 0 END,
        CASE WHEN died_at IS NULL AND end_reason IS NOT NULL AND expected THEN 1 ELSE 0 END,
        repair_seconds, use_seconds
    FROM ends
)
SELECT
    f.day, f.image, sum(f.start) AS starts, sum(f.failure) AS start_failures, sum(f.unexpected) AS unexpected_ends,
    sum(f.expected) AS expected_ends,
    {dialect.rounded("avg(CASE WHEN f.unexpected = 1 THEN f.repair_seconds END)")} AS mttr_seconds,
    {dialect.rounded("sum(f.use_seconds) / nullif(sum(f.unexpected), 0)")} AS mtbf_seconds,
    min(p.detection_p95) AS detection_p95_seconds
FROM facts AS f
LEFT JOIN slowest AS p ON p.day = f.day AND p.image = f.image
GROUP BY f.day, f.image
"""
