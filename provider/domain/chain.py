"""Following the hash chain over raw rows of the log: nothing is decoded that the hash does not need.

So it also passes events that only a newer version can read. What is hashed is what a reader would parse, written in
the canonical form again, because JSONB forms its text otherwise. The short way is tried first: SQLite's texts as they
stand, JSONB's written anew without a look at each value. Where it gives the stored hash, these are, byte for byte,
the texts that were hashed when the event was written, and there is nothing left to ask.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from provider.domain.codec import from_payload
from provider.domain.events import REGISTRY, Event, LedgerSealed
from provider.domain.findings import Findings
from provider.domain.log import (
    ChainPoint,
    canonical_json,
    chain_hash,
    event_body,
    format_timestamp,
    parse_timestamp,
    reformed_json,
)


class StoredEvent(NamedTuple):
    """One row of `events` as the database gives it: the payload as JSON text, the time as a value or as text."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    data: str
    recorded_at: datetime | str
    actor: str
    correlation_id: str
    command_id: str | None
    hash: str


class AlienContentError(ValueError):
    """A row holds what none of our writers can have written."""


def compute_link(previous_hash: str, stored: StoredEvent) -> tuple[str, Any]:
    """Work out the hash that a row must have behind `previous_hash`; return it with the parsed payload.

    Raise `AlienContentError` for a row that has no canonical form.
    """
    try:
        recorded_at = format_timestamp(moment_of(stored))
        data = json.loads(stored.data)
        return chain_hash(previous_hash, stored.position, recorded_at, _body(stored, canonical_json(data))), data
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise AlienContentError(f"its content is none of ours ({_explain(error)})") from error


def short_link(previous_hash: str, stored: StoredEvent) -> str | None:
    """Hash a row the short way; None where there is none. Only a hash that equals the stored one says anything."""
    moment, data = stored.recorded_at, stored.data
    try:
        if isinstance(moment, str):
            return chain_hash(previous_hash, stored.position, moment, _body(stored, data))
        return chain_hash(previous_hash, stored.position, format_timestamp(moment), _body(stored, reformed_json(data)))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _body(stored: StoredEvent, data: str) -> str:
    return event_body(
        stream=stored.stream, version=stored.version, type_=stored.type, schema_version=stored.schema_version,
        data=data, actor=stored.actor, correlation_id=stored.correlation_id, command_id=stored.command_id,
    )  # fmt: skip


def moment_of(stored: StoredEvent) -> datetime:
    """Return when a row was recorded."""
    moment = stored.recorded_at
    return parse_timestamp(moment) if isinstance(moment, str) else moment


def read_event(stored: StoredEvent) -> Event:
    """Decode a row's payload; raise `AlienContentError` for one that this version cannot read."""
    try:
        return from_payload(stored.type, stored.schema_version, json.loads(stored.data))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise AlienContentError(f"its content is none of ours ({_explain(error)})") from error


def _explain(error: Exception) -> str:
    """Return in our words what those of Python mean; ours say it already."""
    if isinstance(error, json.JSONDecodeError):
        return "its payload is no JSON"
    if isinstance(error, RecursionError):
        return "its payload is nested too deep"
    return "a field is of another kind" if isinstance(error, AttributeError) else str(error)


class ChainCheck:
    """Takes the events of a log one after the other and tells what is wrong with each; `unreadable` is first and count.

    After a broken link the chain goes on from the hash that is stored, so that one change is one problem.
    """

    def __init__(self, base: ChainPoint, findings: Findings) -> None:
        self._findings = findings
        self._position = base.position
        self._hash = base.hash
        self._recomputed: str | None = None
        self._readable = {(cls.__name__, n) for cls in REGISTRY.values() for n in range(1, cls.schema_version + 1)}
        self.events = 0
        self.versions: dict[str, int] = {}
        self.seals: list[StoredEvent] = []
        self.unreadable: dict[tuple[str, int], tuple[int, int]] = {}

    @property
    def point(self) -> ChainPoint:
        """The last event taken."""
        return ChainPoint(self._position, self._hash)

    def skip_to(self, base: ChainPoint) -> None:
        """Go on behind a later base: what was before it has left the table in order."""
        self._position, self._hash, self._recomputed = base.position, base.hash, None

    def take(self, stored: StoredEvent) -> None:
        """Check one event's content and its link to the event before, its version, and that no event is missing."""
        position, kind = stored.position, (stored.type, stored.schema_version)
        if position == self._position + 1:
            self._check_link(stored)
        else:
            self._tell_gap(position)
        self._position, self._hash = position, stored.hash
        self.events += 1
        self._check_version(stored)
        if kind not in self._readable:
            first, count = self.unreadable.get(kind, (position, 0))
            self.unreadable[kind] = (first, count + 1)
        elif stored.type == LedgerSealed.__name__:
            self.seals.append(stored)

    def _check_link(self, stored: StoredEvent) -> None:
        before, self._recomputed = self._recomputed, None
        if short_link(self._hash, stored) == stored.hash:
            return
        try:
            link, _ = compute_link(self._hash, stored)
            if link == stored.hash:
                return
            if before is not None and compute_link(before, stored)[0] == stored.hash:
                return  # only the stored hash of the event before is wrong, and that is told already
            self._recomputed = link
            self._findings.add("content", stored.position, "its hash does not match its content and the event before")
        except AlienContentError as error:
            self._findings.add("content", stored.position, str(error))

    def _tell_gap(self, position: int) -> None:
        first, last = self._position + 1, position - 1
        which = f"event {first} is" if first == last else f"events {first} to {last} are"
        told = f"{which} missing, so the link of event {position} cannot be checked"
        self._findings.add("missing", first, told)
        self._recomputed = None

    def _check_version(self, stored: StoredEvent) -> None:
        stream, version = stored.stream, stored.version
        before = self.versions.get(stream)
        if before is not None and version != before + 1:
            self._findings.add("version", stored.position, f"version {version} of {stream} follows {before}")
        self.versions[stream] = version
