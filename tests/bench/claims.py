"""What a benchmark claims, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.bench.stage import Stage


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a value must keep."""

    sign: Literal["<=", ">="]
    bound: float

    def is_met_by(self, value: float) -> bool:
        return value <= self.bound if self.sign == "<=" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table before it is measured; without a goal it is told for information."""

    name: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value, and in words what it was measured against."""

    value: float
    against: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One run that settles one or more claims; `run` returns a reading for each of them by its name."""

    name: str
    claims: tuple[Claim, ...]
    run: Callable[[Stage], Mapping[str, Reading]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without a value, `against` says why there is none."""

    name: str
    value: float | None
    unit: str
    against: str
    goal: str | None
    met: bool | None


def settle(claim: Claim, reading: Reading) -> Row:
    """Compare a reading with its goal, unrounded."""
    met = claim.goal.is_met_by(reading.value) if claim.goal else None
    goal = str(claim.goal) if claim.goal else None
    return Row(claim.name, float(f"{reading.value:.4g}"), claim.unit, reading.against, goal, met)


def not_measured(claim: Claim, reason: str) -> Row:
    """Keep the line, with the reason."""
    return Row(claim.name, None, claim.unit, f"not measured: {reason}", str(claim.goal) if claim.goal else None, None)
