"""What a rule of `v_violations` is, and how rules become one view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIVE = "('creating', 'active', 'warm')"
"""The statuses in which a sandbox occupies a place."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One broken invariant, in SQL: when it is broken, and what to say then."""

    name: str
    broken: str
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """One pass over some rows, by one or more rules; a row is told once, by the first rule that it breaks.

    `rows` is what follows FROM, `among` chooses from it; with `by`, the rules look at groups. `subject` says what a row
    is about, as the name of a stream where there is one; `position` is the event concerned.
    """

    rows: str
    subject: str
    rules: tuple[Rule, ...]
    position: str = "NULL"
    among: str = ""
    by: str = ""

    def select(self) -> str:
        """Write the pass as a SELECT with the columns of the view."""
        name = self._choose([f"'{rule.name}'" for rule in self.rules])
        detail = self._choose([rule.detail for rule in self.rules])
        broken = " OR ".join(f"({rule.broken})" for rule in self.rules)
        chosen = f"({self.among})" if self.among else ""
        if self.by:
            last = f"WHERE {chosen} GROUP BY {self.by} HAVING {broken}"
        else:
            last = f"WHERE {chosen} AND ({broken})" if chosen else f"WHERE {broken}"
        return f"""
SELECT {name} AS rule, {self.subject} AS subject,
    {detail} AS detail,
    CAST({self.position} AS bigint) AS position
FROM {self.rows}
{last}""".strip()

    def _choose(self, values: list[str]) -> str:
        if len(values) == 1:
            return values[0]
        cases = " ".join(f"WHEN {rule.broken} THEN {value}" for rule, value in zip(self.rules, values, strict=True))
        return f"CASE {cases} END"


def violations(shared: str, checks: Sequence[Check]) -> str:
    """Write the view: all checks, over the tables that `shared` names for them."""
    return f"WITH {shared.strip()}\n" + "\nUNION ALL\n".join(check.select() for check in checks)
