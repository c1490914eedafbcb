"""The few words that SQLite and PostgreSQL do not share, as the views need them.

None of them fails on a value of an unexpected shape: what cannot be read is NULL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of database says what the views have to say."""

    name: Literal["sqlite", "postgresql"]

    @property
    def is_sqlite(self) -> bool:
        """Whether times are ISO-8601 text ending in Z, and JSON is text."""
        return self.name == "sqlite"

    def seconds(self, start: str, end: str) -> str:
        """Measure from one time to another, in seconds to the microsecond."""
        if self.is_sqlite:
            # Whole seconds and fractions apart: a Julian day has no room for microseconds.
            whole = f"strftime('%s', {end}) - strftime('%s', {start})"
            return f"round({whole} + (substr({end}, 20, 7) - substr({start}, 20, 7)), 6)"
        return f"round(extract(epoch FROM ({end} - {start}))::numeric, 6)::double precision"

    def elapsed(self, start: str, end: str) -> str:
        """Measure as `seconds` does, but never below 0: the engine's clock may be ahead of the database's."""
        return f"CASE WHEN {end} >= {start} THEN {self.seconds(start, end)} WHEN {end} < {start} THEN 0.0 END"

    def rounded(self, value: str) -> str:
        """Round to the millisecond: of sums and means, further digits depend on the order of adding up."""
        return f"round({value}, 3)" if self.is_sqlite else f"round(({value})::numeric, 3)::double precision"

    def day(self, moment: str) -> str:
        """Write the day in UTC: a `date`, on SQLite its ISO text."""
        return f"substr({moment}, 1, 10)" if self.is_sqlite else f"({moment} AT TIME ZONE 'UTC')::date"

    def minutes_ago(self, minutes: int) -> str:
        """Write a time before now."""
        if self.is_sqlite:
            return f"strftime('%Y-%m-%dT%H:%M:%f', 'now', '-{minutes} minutes') || '000Z'"
        return f"now() - interval '{minutes} minutes'"

    def text(self, document: str, key: str) -> str:
        """Read a field of a JSON object as text; NULL when it is not there, or the document is no JSON."""
        if self.is_sqlite:
            return f"CASE WHEN json_valid({document}) THEN CAST(json_extract({document}, '$.{key}') AS text) END"
        return f"({document} ->> '{key}')"

    def number(self, document: str, key: str) -> str:
        """Read a field of a JSON object as a whole number below a milliard; NULL when it is none."""
        if self.is_sqlite:
            value = f"json_extract({document}, '$.{key}')"
            is_whole = f"json_valid({document}) AND json_type({document}, '$.{key}') = 'integer'"
            return f"CASE WHEN {is_whole} AND {value} BETWEEN 0 AND 999999999 THEN {value} END"
        value = f"{document} ->> '{key}'"
        is_whole = f"jsonb_typeof({document} -> '{key}') = 'number' AND {value} ~ '^[0-9]{{1,9}}$'"
        return f"CASE WHEN {is_whole} THEN ({value})::integer END"

    def elements(self, array: str, alias: str) -> str:
        """Open a JSON array of texts as a table with one column, `value`; what is no array has no rows."""
        if self.is_sqlite:
            safe = f"CASE WHEN json_valid({array}) AND json_type({array}) = 'array' THEN {array} ELSE '[]' END"
            return f"json_each({safe}) AS {alias}"
        safe = f"CASE WHEN jsonb_typeof({array}) = 'array' THEN {array} ELSE '[]' END"
        return f"jsonb_array_elements_text({safe}) AS {alias}(value)"


SQLITE = Dialect("sqlite")
POSTGRESQL = Dialect("postgresql")
DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (SQLITE, POSTGRESQL)}
