"""What a verification finds: problems with their places, collected to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "content", "missing", "version", "head", "truncated", "outside", "stream", "seal", "kept_seal", "rewritten",
    "violation", "table", "schema", "unsealed",
]  # fmt: skip
"""What is broken; docs/tamper-evidence.md says what each means."""

MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was recorded; without a position where no event is concerned."""

    rule: Rule
    position: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One row of `v_violations`: a broken invariant of the ledger, and what it is about."""

    rule: str
    subject: str
    detail: str
    position: int | None


class Findings:
    """Collects problems and notes: all are counted, the first `MOST_LISTED` problems are kept."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self.count = 0
        self.notes: list[str] = []

    def add(self, rule: Rule, position: int | None, detail: str) -> None:
        """Add a problem."""
        self.count += 1
        if len(self._problems) < MOST_LISTED:
            self._problems.append(Problem(rule, position, detail))

    def note(self, text: str) -> None:
        """Add what is no problem and should be known."""
        self.notes.append(text)

    @property
    def problems(self) -> Sequence[Problem]:
        """The problems in the order of their positions, those without one last."""
        far = float("inf")
        return sorted(self._problems, key=lambda one: far if one.position is None else one.position)
