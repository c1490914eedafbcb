"""A sandbox's history, step by step: what each event changed. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.domain.log import RecordedEvent, format_timestamp
from provider.domain.state import SandboxState, Stamp, evolve
from web.presentation.payload import Change, compare

_BOOKKEEPING = frozenset({"version", "updated_at", "generations", "crashes"})


@dataclass(frozen=True, slots=True)
class Step:
    """One event with what it changed, and the sandbox as it was then."""

    recorded: RecordedEvent
    changes: tuple[Change, ...]
    state: SandboxState


def fold_steps(sandbox_id: str, history: Iterable[RecordedEvent]) -> Iterator[Step]:
    """Fold a sandbox's history from its beginning."""
    state = SandboxState(sandbox_id=sandbox_id)
    for recorded in history:
        after = evolve(state, recorded.event, Stamp(position=recorded.position, recorded_at=recorded.recorded_at))
        yield Step(recorded, compare(describe_state(state), describe_state(after)), after)
        state = after


def describe_state(state: SandboxState) -> dict[str, Any]:
    """Describe a sandbox and its containers as one flat list of values; what is not known yet is left out."""
    described = _plain(state, "")
    for generation in state.generations:
        described |= _plain(generation, f"g{generation.number}.")
    return described


def _plain(value: Any, prefix: str) -> dict[str, Any]:
    fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {
        prefix + name: _written(item)
        for name, item in fields
        if name not in _BOOKKEEPING and item is not None and item != () and name != "number"
    }


def _written(item: object) -> object:
    if isinstance(item, datetime):
        return format_timestamp(item)
    return ", ".join(item) if isinstance(item, tuple) else item
