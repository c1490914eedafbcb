"""Broken invariants, and a sample of the projections: looked up at most once a minute by each process.

The look reads the whole log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.domain.errors import CorruptLogError
from provider.domain.findings import Violation
from provider.ports.reading.system import ProjectionCheck
from provider.reading.reports import Reports

FRESH_SECONDS = 60.0
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What was broken at a moment of the database's clock; at most `MOST_SHOWN` are listed.

    `projections` is None where the log itself is damaged, as `problem` says.
    """

    violations: Sequence[Violation]
    projections: ProjectionCheck | None
    problem: str | None
    at: datetime


class Invariants:
    """Remembers the last look. Safe from any thread: it is replaced as a whole, and two at once are both right."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: tuple[float, Look] | None = None

    def look(self, reports: Reports) -> Look:
        """Return what is broken, as of now or of the last minute."""
        last = self._last
        if last is not None and self._clock() - last[0] < FRESH_SECONDS:
            return last[1]
        began = self._clock()
        found = _look(reports)
        self._last = (began, found)
        return found


def _look(reports: Reports) -> Look:
    violations, projections, problem = reports.system.list_violations(MOST_SHOWN), None, None
    try:
        projections = reports.system.check_projections()
    except CorruptLogError as error:
        problem = str(error)
    return Look(violations, projections, problem, reports.now())
