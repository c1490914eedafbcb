"""Whole lives, worked out once by the domain and the store's own code, with marks where one life differs from another.

Filling the marks in is a hundred times faster than deciding, encoding and folding each event again, and as valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.domain.ids import sandbox_stream
from provider.domain.log import Author, format_timestamp
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.store.log.batch import Batch, make_batch
from provider.store.states.rows import changed_generations, generation_row, sandbox_row
from tests.bench.lives import Identity, Step, crash, end, fail_to_start, share, start, use

IDENTITY = Identity("f0f1f2f3f4f5f6f7", "mark:user", "mark:thread", "mark:image", "mark:host", "mark:worker")
CORRELATION = "mark:correlation"
ACTOR = f"worker:{IDENTITY.worker}"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MARKS = (IDENTITY.user_id, IDENTITY.thread_id, IDENTITY.image, IDENTITY.host, IDENTITY.worker)

Row = Mapping[str, Any]


def mark_of(step: int) -> datetime:
    """Stand for the time at which a step is recorded."""
    return EPOCH + timedelta(microseconds=step)


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """One event with marks in its texts; `times` are the steps whose time it tells."""

    type: str
    schema_version: int
    version: int
    data: str
    body: str
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StepTemplate:
    """One append, and the projection rows after it: times are marks, positions are minus the event's version."""

    events: tuple[EventTemplate, ...]
    sandbox: Row
    generations: tuple[Row, ...]


def make_template(steps: list[Step]) -> tuple[StepTemplate, ...]:
    """Go through a life once."""
    state, generations, made = SandboxState(sandbox_id=IDENTITY.sandbox_id), dict[int, Row](), list[StepTemplate]()
    stream, author = sandbox_stream(IDENTITY.sandbox_id), Author(ACTOR, CORRELATION)
    for number, step in enumerate(steps):
        batch = make_batch(stream, state.version, step(state, mark_of(number)), author, state)
        after = _fold(state, batch, number)
        for generation in changed_generations(state, after):
            generations[generation.number] = generation_row(IDENTITY.sandbox_id, generation)
        events = tuple(
            EventTemplate(e.event.type, e.event.schema_version, e.version, e.data, e.body, _times(e.body, number))
            for e in batch.entries
        )
        made.append(StepTemplate(events, sandbox_row(after), tuple(generations.values())))
        state = settled(after)
    return tuple(made)


def fill_row(row: Row, who: Identity, times: list[datetime], first_positions: list[int]) -> dict[str, Any]:
    """Turn a projection row into that of one life; `first_positions` are the events' positions by their order."""
    filled: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            filled[name] = times[(value - EPOCH) // timedelta(microseconds=1)]
        elif name == "evidence_position" and value is not None:
            filled[name] = first_positions[-value - 1]
        else:
            filled[name] = fill_text(value, who) if isinstance(value, str) else value
    return filled


def fill_text(text: str, who: Identity) -> str:
    """Put an identity in."""
    named = text.replace(IDENTITY.sandbox_id, who.sandbox_id)
    if "mark:" in named:
        for mark, value in zip(_MARKS, (who.user_id, who.thread_id, who.image, who.host, who.worker), strict=True):
            named = named.replace(mark, value)
    return named


def _fold(state: SandboxState, batch: Batch, step: int) -> SandboxState:
    for entry in batch.entries:
        state = evolve(state, entry.event, Stamp(position=-entry.version, recorded_at=mark_of(step)))
    return state


def _times(body: str, step: int) -> tuple[int, ...]:
    return tuple(number for number in range(step + 1) if format_timestamp(mark_of(number)) in body)


def _restarted(who: Identity) -> list[Step]:
    return [*start(who), *use(3, who.worker), *crash(), *start(who), *use(2, who.worker), *end("idle")]


def _restarted_twice(who: Identity) -> list[Step]:
    oom = [*start(who), *use(2, who.worker), *crash(oom=True)]
    return [*oom, *oom, *start(who), *use(2, who.worker), *end("request")]


KINDS: tuple[Callable[[Identity], list[Step]], ...] = (
    lambda who: [*start(who), *use(4, who.worker), *end("request")],
    lambda who: [*start(who), *use(7, who.worker), *end("idle")],
    lambda who: [*start(who), *use(7, who.worker), *end("capacity")],
    lambda who: [*start(who), *use(5, who.worker), *crash(oom=True)],
    _restarted,
    _restarted_twice,
    lambda who: [*start(who), *use(4, who.worker), *end("lost_worker")],
    lambda who: [*start(who), *share(), *use(5, who.worker), *end("idle")],
    lambda who: [*fail_to_start(who), *start(who), *use(5, who.worker), *end("shutdown")],
)
"""The lives that a history is made of: 14, 20, 20, 18, 24, 34, 14, 20 and 20 events."""
WEIGHTS = (30, 25, 12, 8, 10, 3, 2, 5, 5)
"""How often each is lived."""
