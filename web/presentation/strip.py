"""The strip of ends over time: unexpected ones stand up, filled; expected ones hang down, hollow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain.wording import count_of
from web.presentation.scale import Scale, Tick, percent

MarkKind = Literal["sweep", "sweep failed", "worker", "operator"]

UP, DOWN = 36, 18
BASE = UP + 4
LANES: dict[str, int] = {"sweep": 72, "worker": 87, "operator": 101}
SLOTS: dict[MarkKind, int] = {"sweep": 200, "sweep failed": 200, "worker": 50, "operator": 50}
"""How many marks of a kind stand side by side without covering each other."""
AXIS = 118


@dataclass(frozen=True, slots=True)
class Ends:
    """What ended in one stretch of time."""

    since: datetime
    until: datetime
    unexpected: int
    expected: int


@dataclass(frozen=True, slots=True)
class StripMark:
    """Something that happened at one moment, told in words."""

    at: datetime
    kind: MarkKind
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the drawing."""

    x: str
    width: str
    y: int
    height: int
    kind: Literal["unexpected", "expected"]
    title: str


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """One mark of the drawing; several at one place are one, with their number."""

    x: str
    y: int
    kind: MarkKind
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Strip:
    """The drawing, and the same in words."""

    bars: tuple[Bar, ...]
    marks: tuple[PlacedMark, ...]
    ticks: tuple[Tick, ...]
    peak: int
    words: str
    base: int = BASE
    axis: int = AXIS
    height: int = AXIS + 2


def draw_strip(scale: Scale, ends: Sequence[Ends], marks: Sequence[StripMark]) -> Strip:
    """Draw ends and marks over the stretch of time."""
    peak = max((max(one.unexpected, one.expected) for one in ends), default=0)
    return Strip(
        bars=tuple(bar for one in ends for bar in _draw_ends(scale, one, peak)),
        marks=_place_marks(scale, marks),
        ticks=scale.ticks(),
        peak=peak,
        words=_tell(ends, marks),
    )


def _draw_ends(scale: Scale, ends: Ends, peak: int) -> list[Bar]:
    # A quarter of the place is left empty, so that neighbours stay apart.
    x = percent(scale.share(ends.since))
    width = percent(max(scale.share(ends.until) - scale.share(ends.since), 0.0) * 0.75)
    when = f"{ends.since:%H:%M} to {ends.until:%H:%M} UTC"
    bars = []
    if ends.unexpected:
        height = max(3, round(UP * ends.unexpected / peak))
        title = f"{when}: {count_of(ends.unexpected, 'unexpected end')}"
        bars.append(Bar(x, width, BASE - height, height, "unexpected", title))
    if ends.expected:
        height = max(3, round(DOWN * ends.expected / peak))
        title = f"{when}: {count_of(ends.expected, 'expected end')}"
        bars.append(Bar(x, width, BASE + 2, height, "expected", title))
    return bars


def _place_marks(scale: Scale, marks: Sequence[StripMark]) -> tuple[PlacedMark, ...]:
    """Merge marks of one kind that would cover each other, at the place of the first."""
    groups: dict[MarkKind, list[list[StripMark]]] = {}
    for mark in sorted(marks, key=lambda one: one.at):
        of_kind = groups.setdefault(mark.kind, [])
        if of_kind and scale.share(mark.at) - scale.share(of_kind[-1][0].at) < 1 / SLOTS[mark.kind]:
            of_kind[-1].append(mark)
        else:
            of_kind.append([mark])
    return tuple(
        PlacedMark(scale.x(found[0].at), LANES[kind.split()[0]], kind, _tell_marks(found), len(found))
        for kind, of_kind in groups.items()
        for found in of_kind
    )


def _tell_marks(marks: Sequence[StripMark]) -> str:
    first = marks[0]
    return first.title if len(marks) == 1 else f"{first.title}, and {len(marks) - 1} more"


def _tell(ends: Sequence[Ends], marks: Sequence[StripMark]) -> str:
    unexpected, expected = sum(one.unexpected for one in ends), sum(one.expected for one in ends)
    worst = max(ends, key=lambda one: one.unexpected, default=None)
    parts = [f"{count_of(unexpected, 'unexpected end')} and {expected:,} expected"]
    if worst is not None and worst.unexpected:
        parts.append(
            f"most of the unexpected ones, {worst.unexpected}, from {worst.since:%H:%M} to {worst.until:%H:%M} UTC"
        )
    counts = {kind: sum(1 for mark in marks if mark.kind.split()[0] == kind) for kind in LANES}
    parts.append(
        f"{count_of(counts['sweep'], 'sweep')}, {count_of(counts['worker'], 'worker death')}, "
        f"{count_of(counts['operator'], 'operator action')}"
    )
    return "; ".join(parts) + "."
