"""The log's envelope: who recorded what, its canonical form, and the hash chain over all events.

The chain: ``hash(n) = sha256(hash(n-1) LF position LF recorded_at LF body)`` in hex, with ``hash(0) = 64 zeros``.
The first three fields hold no line feed, so the text is unambiguous. `body` is the canonical JSON of everything
else; it is rebuilt from the parsed columns on verification, because JSONB keeps values, not text.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provider.domain.events import Event
from provider.domain.state import SandboxState

GENESIS_HASH = "0" * 64
MAX_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Author:
    """Who appends, and on whose behalf.

    `actor` is `worker:<id>`, `operator:<name>` or `sweeper:<id>`; `correlation_id` is one UUID for all events
    of one call; `command_id` is the caller's optional idempotency key, unique in the whole log.
    """

    actor: str
    correlation_id: str
    command_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One row of the log, with its payload decoded."""

    position: int
    stream: str
    version: int
    event: Event
    recorded_at: datetime
    actor: str
    correlation_id: str
    command_id: str | None
    hash: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append wrote; `state` is the sandbox's new state (None for other streams)."""

    events: tuple[RecordedEvent, ...]
    state: SandboxState | None


def canonical_json(value: Mapping[str, Any]) -> str:
    """Serialise for hashing: sorted keys, no blanks, unescaped text; the same before and after JSONB.

    Raise ValueError for what does not survive JSONB unchanged: NUL and lone surrogates in text, numbers that are
    not finite or reach `MAX_NUMBER`.
    """
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def format_timestamp(moment: datetime) -> str:
    """Write a time as the log does: UTC, microseconds, ending in Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """Read what `format_timestamp` wrote."""
    return datetime.fromisoformat(text)


def event_body(
    *,
    stream: str,
    version: int,
    type_: str,
    schema_version: int,
    data: Mapping[str, Any],
    actor: str,
    correlation_id: str,
    command_id: str | None,
) -> str:
    """Build the canonical text of one event, without what the database gives out (position, time)."""
    return canonical_json({
        "actor": actor, "command_id": command_id, "correlation_id": correlation_id, "data": data,
        "schema_version": schema_version, "stream": stream, "type": type_, "version": version,
    })  # fmt: skip


def chain_hash(previous: str, position: int, recorded_at: str, body: str) -> str:
    """Link one event to the one before it; `recorded_at` as `format_timestamp` writes it."""
    return hashlib.sha256(f"{previous}\n{position}\n{recorded_at}\n{body}".encode()).hexdigest()


def _check(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise ValueError("text with NUL or a lone surrogate cannot be recorded")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) >= MAX_NUMBER or (isinstance(value, float) and value.is_integer()):
            raise ValueError(f"number {value!r} cannot be recorded unchanged")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check(key)
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    else:
        raise TypeError(f"{type(value).__name__} cannot be recorded")
