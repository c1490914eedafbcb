"""Which places are walked, where a run does not walk all.

`make test-long` strikes every worker at every place in all three ways, on both databases. `make test` leaves out

- the kill before a step that comes right after another: between the two nothing is kept outside the process, so it
  leaves what the kill after the first one leaves (use cases consist of appends and engine calls only);
- two thirds of the pauses and of the lost connections: those of today are in the first lines of the run, and
  FAULT_TURN=0, 1 or 2 chooses others;
- on PostgreSQL all but one way and every seventh place of each use case: only the store differs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.faults.hook import Place

TURNS = 3
SAMPLE = 7


def turn() -> int:
    """Return the number of the third that this run walks: FAULT_TURN, or another one every day."""
    chosen = os.environ.get("FAULT_TURN")
    return (int(chosen) if chosen else datetime.now(UTC).toordinal()) % TURNS


def choose_distinct(places: Sequence[Place]) -> list[Place]:
    """Choose the places at which a kill leaves different things."""
    previous = ["", *(place.point for place in places)]
    return [
        place
        for place, before in zip(places, previous, strict=False)
        if not (place.point.endswith(".before") and before.endswith(".after"))
    ]


def choose_third(places: Sequence[Place], number: int) -> list[Place]:
    """Choose every third place; three numbers in a row come to all of them."""
    return list(places[number % TURNS :: TURNS])


def choose_sample(places: Sequence[Place], number: int) -> list[Place]:
    """Choose every seventh place, with another start for another number."""
    return list(places[number % SAMPLE :: SAMPLE])
