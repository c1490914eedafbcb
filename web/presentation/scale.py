"""Places on a time axis in percent, pixels down: so a drawing stretches and its text does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Anchor = Literal["start", "middle", "end"]
_STEPS = (
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 345_600, 604_800,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """One label of the axis."""

    x: str
    text: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch of time drawn from left (0 %) to right (100 %)."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """Its length; never zero, so that one moment can be drawn too."""
        return max((self.until - self.since).total_seconds(), 0.001)

    def share(self, moment: datetime) -> float:
        """Return how far along a moment lies, 0 to 1; what lies outside is drawn at the edge."""
        return min(max((moment - self.since).total_seconds() / self.seconds, 0.0), 1.0)

    def x(self, moment: datetime) -> str:
        """Place a moment."""
        return percent(self.share(moment))

    def width(self, since: datetime, until: datetime) -> str:
        """Measure a stretch."""
        return percent(max(self.share(until) - self.share(since), 0.0))

    def ticks(self, at_most: int = 6) -> tuple[Tick, ...]:
        """Label round times, at most so many."""
        return tuple(self._label(moment) for moment in self._round_moments(at_most))

    def _round_moments(self, at_most: int) -> Iterator[datetime]:
        step = next((one for one in _STEPS if self.seconds / one <= at_most - 1), 604_800 * 4)
        first = self.since.timestamp() // step * step
        moment = datetime.fromtimestamp(first, UTC)
        while moment <= self.until:
            if moment >= self.since:
                yield moment
            moment += timedelta(seconds=step)

    def _label(self, moment: datetime) -> Tick:
        share = self.share(moment)
        anchor: Anchor = "start" if share < 0.03 else "end" if share > 0.97 else "middle"
        if self.seconds > 2 * 86_400:
            text = f"{moment:%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%m-%d %H:%M}"
        else:
            text = f"{moment:%H:%M:%S}" if self.seconds < 300 else f"{moment:%H:%M}"
            if self.seconds > 43_200 and moment.hour == moment.minute == 0:
                text = f"{moment:%m-%d}"
        return Tick(percent(share), text, anchor)


def percent(share: float) -> str:
    """Write a share as SVG wants it: `12.5%`."""
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"
