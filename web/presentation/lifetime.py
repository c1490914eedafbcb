"""The lifetime bar: what a sandbox was, generation by generation, on one axis of time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain.state import Generation
from web.presentation.scale import Scale, Tick, percent

SegmentKind = Literal["starting", "alive", "leaving"]
WIDEST = 1.0
THINNEST = 0.004


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a generation's life: outlined while it starts, filled while it runs, dotted while it goes."""

    x: str
    width: str
    kind: SegmentKind
    title: str


@dataclass(frozen=True, slots=True)
class EndMark:
    """How it ended: a cross for an unexpected end, a ring for an expected one, nothing while it lives."""

    x: str
    kind: Literal["cross", "ring"]
    title: str


@dataclass(frozen=True, slots=True)
class LifetimeBar:
    """One generation's bar."""

    number: int
    segments: tuple[Segment, ...]
    end: EndMark | None
    words: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """All bars over their common axis, the newest generation first."""

    bars: tuple[LifetimeBar, ...]
    ticks: tuple[Tick, ...]


def draw_lifetimes(generations: Sequence[Generation], now: datetime) -> Lifetimes:
    """Draw the generations (any order), up to now."""
    if not generations:
        return Lifetimes((), ())
    ordered = sorted(generations, key=lambda one: one.number, reverse=True)
    ends = [one.removed_at or now for one in ordered]
    scale = Scale(min(one.creating_at for one in ordered), max(ends))
    return Lifetimes(tuple(_draw_one(scale, one, now) for one in ordered), scale.ticks())


def _draw_one(scale: Scale, generation: Generation, now: datetime) -> LifetimeBar:
    segments = tuple(
        Segment(*_place(scale, since, until), kind, f"{kind} {since:%H:%M:%S} to {until:%H:%M:%S} UTC")
        for kind, since, until in _stretches(generation, now)
    )
    end = _mark_end(scale, generation)
    told = "; ".join([*(one.title for one in segments), *([end.title] if end else [])])
    return LifetimeBar(generation.number, segments, end, f"Generation {generation.number}: {told}")


def _place(scale: Scale, since: datetime, until: datetime) -> tuple[str, str]:
    # A life of seconds among days must still be seen.
    left, right = scale.share(since), scale.share(until)
    width = max(right - left, THINNEST)
    return percent(min(left, WIDEST - width)), percent(width)


def _stretches(generation: Generation, now: datetime) -> Iterator[tuple[SegmentKind, datetime, datetime]]:
    gone = end_of(generation)
    begun = generation.ready_at
    yield "starting", generation.creating_at, begun or gone or now
    if begun is not None:
        yield "alive", begun, max(begun, gone or now)
    if gone is not None:
        yield "leaving", gone, max(gone, generation.removed_at or now)


def _mark_end(scale: Scale, generation: Generation) -> EndMark | None:
    gone = end_of(generation)
    if gone is None:
        return None
    unexpected = generation.died_at is not None or generation.expected is False
    reason = generation.end_reason or ("died" if generation.died_at else "start failed")
    manner = "unexpectedly" if unexpected else "as intended"
    return EndMark(scale.x(gone), "cross" if unexpected else "ring", f"ended {manner} ({reason}) {gone:%H:%M:%S} UTC")


def end_of(generation: Generation) -> datetime | None:
    """Return when a generation's container stopped being of use: the engine's time, else when it was noticed."""
    moments = (generation.finished_at, generation.died_at, generation.ended_at)
    return next((one for one in moments if one is not None), None)
