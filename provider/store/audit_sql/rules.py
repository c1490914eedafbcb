"""What a rule of `v_violations` is, and how rules become one view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIVE = "('creating', 'active', 'warm')"
"""The statuses in which a sandbox occupies a place."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One broken invariant: `rows` is what follows SELECT and finds a row for each case.

    `subject` says what it is about, as the name of a stream where there is one; `position` is the event concerned.
    """

    name: str
    subject: str
    detail: str
    rows: str
    position: str = "NULL"

    def select(self) -> str:
        """Write the rule as a SELECT with the columns of the view."""
        return f"""\
SELECT '{self.name}' AS rule, {self.subject} AS subject, {self.detail} AS detail,
    CAST({self.position} AS bigint) AS position
{self.rows.strip()}"""


def violations(shared: str, rules: Sequence[Rule]) -> str:
    """Write the view: all rules, over the tables that `shared` names for them."""
    return f"WITH {shared.strip()}\n" + "\nUNION ALL\n".join(rule.select() for rule in rules) + "\n"
