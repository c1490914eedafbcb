"""The log's envelope: who recorded what, its canonical form, and the hash chain over all events.

The chain: ``hash(n) = sha256(hash(n-1) LF position LF recorded_at LF body)`` in hex, with ``hash(0) = 64 zeros``.
The first three fields hold no line feed, so the text is unambiguous. `body` is the canonical JSON of everything
else; it is rebuilt from the parsed columns on verification, because JSONB keeps values, not text.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from provider.domain.events import Event
from provider.domain.state import SandboxState

GENESIS_HASH = "0" * 64
MAX_NUMBER = 2**53

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class ChainPoint(NamedTuple):
    """A place in the chain: the position of an event, and its hash."""

    position: int
    hash: str


GENESIS = ChainPoint(0, GENESIS_HASH)
"""Where a chain begins: before the first event."""


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
    not finite, are whole floats or reach `MAX_NUMBER`; TypeError for what JSON does not have.
    """
    _check(value)
    return _ENCODER.encode(value)


def reformed_json(text: str) -> str:
    """Write JSON text as `canonical_json` would, without asking whether it may be recorded."""
    return _ENCODER.encode(json.loads(text))


def storable_text(text: str, limit: int) -> str:
    """Make foreign text fit for the log: at most `limit` characters, with a mark for what no database can hold."""
    shortened = text if len(text) <= limit else text[: limit - 3] + "..."
    return _UNSTORABLE.sub("\ufffd", shortened)


def format_timestamp(moment: datetime) -> str:
    """Write an aware time as the log does: UTC, microseconds, ending in Z."""
    if moment.tzinfo is None:
        raise ValueError(f"time {moment.isoformat()} has no time zone")
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_timestamp(text: str) -> datetime:
    """Read what `format_timestamp` wrote."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text} has no time zone")
    return moment


def event_body(
    *,
    stream: str,
    version: int,
    type_: str,
    schema_version: int,
    data: str,
    actor: str,
    correlation_id: str,
    command_id: str | None,
) -> str:
    """Build the canonical text of one event, without what the database gives out (position, time).

    It is the canonical JSON of an object with these eight keys; `data`, the fourth of them, is canonical text already.
    """
    # Written out: every append and every check of the chain pays for this.
    command = "null" if command_id is None else _quoted(command_id)
    return (
        f'{{"actor":{_quoted(actor)},"command_id":{command},"correlation_id":{_quoted(correlation_id)},"data":{data},'
        f'"schema_version":{schema_version:d},"stream":{_quoted(stream)},"type":{_quoted(type_)},"version":{version:d}}}'
    )


def chain_hash(previous: str, position: int, recorded_at: str, body: str) -> str:
    """Link one event to the one before it; `recorded_at` as `format_timestamp` writes it."""
    return hashlib.sha256(f"{previous}\n{position}\n{recorded_at}\n{body}".encode()).hexdigest()


def _quoted(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("text with NUL or a lone surrogate cannot be recorded")
    return encode_basestring(text)


def _check(value: Any) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise ValueError("text with NUL or a lone surrogate cannot be recorded")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        _check_number(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} is not text and cannot be recorded")
            _check(key)
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    else:
        raise TypeError(f"{type(value).__name__} cannot be recorded")


def _check_number(value: int | float) -> None:  # noqa: PYI041
    whole_float = isinstance(value, float) and value.is_integer()
    if whole_float or not math.isfinite(value) or abs(value) >= MAX_NUMBER:
        raise ValueError(f"number {value!r} cannot be recorded unchanged")
