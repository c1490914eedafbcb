"""A sandbox's history, step by step: what each event changed. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from provider.domain.log import format_timestamp
from provider.ports.reading.sandboxes import SandboxAsOf
from web.presentation.payload import FieldChange, compare

_BOOKKEEPING = frozenset({"version", "updated_at", "generations", "crashes"})


def list_changes(folded: Iterable[SandboxAsOf], positions: Collection[int]) -> Mapping[int, tuple[FieldChange, ...]]:
    """List what each of the events at these positions changed, given a sandbox's whole history as it was folded."""
    return {
        after.position: compare(describe_state(before), describe_state(after))
        for before, after in pairwise(folded)
        if after.position in positions
    }


def describe_state(then: SandboxAsOf) -> dict[str, Any]:
    """Describe a sandbox and its containers as one flat list of values; what is not known yet is left out."""
    described = _plain(then.state, "")
    for generation in then.generations:
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
