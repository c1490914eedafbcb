"""What the read side shows, as plain JSON values: field names are column names, times are text as in the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from provider.domain.codec import to_payload
from provider.domain.log import RecordedEvent, format_timestamp
from provider.domain.state import Generation
from provider.domain.sweeps import SweepRow
from provider.domain.verification import VerificationReport
from provider.ports.reading.sandboxes import SandboxRecord

Document = dict[str, Any]

COLUMNS: Mapping[tuple[type, str], str] = {(Generation, "number"): "generation"}
"""Where a field has not the name of its column."""
SPREAD: frozenset[tuple[type, str]] = frozenset({(SweepRow, "counts")})
"""Fields whose own fields are columns of the row itself."""
NO_REASON = "unexamined"
"""The name of what has no reason yet, where reasons are names of an object."""


def sandbox_document(record: SandboxRecord) -> Document:
    """Write a row of `sandboxes`."""
    return _plain(record)


def generation_document(sandbox_id: str, generation: Generation) -> Document:
    """Write a row of `generations`."""
    fields = _plain(generation)
    return {"sandbox_id": sandbox_id, "generation": fields.pop("number"), **fields}


def event_document(recorded: RecordedEvent) -> Document:
    """Write a row of `events`, with its payload in the newest version of its type."""
    event = recorded.event
    return {
        "position": recorded.position, "stream": recorded.stream, "version": recorded.version, "type": event.type,
        "schema_version": event.schema_version, "data": to_payload(event),
        "recorded_at": format_timestamp(recorded.recorded_at), "actor": recorded.actor,
        "correlation_id": recorded.correlation_id, "command_id": recorded.command_id, "hash": recorded.hash,
    }  # fmt: skip


def verification_document(report: VerificationReport) -> Document:
    """Write what a verification found."""
    return {
        "ledger_id": report.ledger_id, "events": report.events,
        "start": {"kind": report.start_kind, **report.start._asdict()}, "end": report.end._asdict(),
        "recorded_seals": report.recorded_seals, "kept_seals": report.kept_seals,
        "problem_count": report.problem_count, "problems": [dataclasses.asdict(one) for one in report.problems],
        "notes": list(report.notes),
    }  # fmt: skip


def document(value: Any) -> Any:
    """Write any value of the read side: records as objects, times as text, tuples as arrays."""
    if isinstance(value, RecordedEvent):
        return event_document(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if isinstance(value, Mapping):
        return {NO_REASON if name is None else str(name): document(item) for name, item in value.items()}
    return [document(item) for item in value] if isinstance(value, tuple | list) else _plain_value(value)


def _record(value: Any) -> Document:
    written: Document = {}
    for field in dataclasses.fields(value):
        item = document(getattr(value, field.name))
        if (type(value), field.name) in SPREAD:
            written.update(item)
        else:
            written[COLUMNS.get((type(value), field.name), field.name)] = item
    return written


def _plain(value: SandboxRecord | Generation) -> Document:
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: _plain_value(item) for name, item in fields.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, datetime):
        return format_timestamp(value)
    return list(value) if isinstance(value, tuple) else value
