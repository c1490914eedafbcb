"""The ledger's broken invariants, looked up at most once a minute by each process: the look reads the whole log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.domain.findings import Violation
from provider.runtime.reports import Reports

FRESH_SECONDS = 60.0
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What was broken at a moment of the database's clock; at most `MOST_SHOWN` are listed."""

    violations: Sequence[Violation]
    at: datetime


class Invariants:
    """Remembers the last look. Safe from any thread: it is replaced as a whole, and two at once are both right."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: tuple[float, Look] | None = None

    def look(self, reports: Reports) -> Look:
        """Tell what is broken, as of now or of the last minute."""
        last = self._last
        if last is not None and self._clock() - last[0] < FRESH_SECONDS:
            return last[1]
        began = self._clock()
        found = Look(violations=reports.system.list_violations(MOST_SHOWN), at=reports.insights.now())
        self._last = (began, found)
        return found
