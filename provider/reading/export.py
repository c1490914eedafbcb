"""The log as text for other programs, event by event: nothing is held in memory but the event being written. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from provider.domain.log import RecordedEvent
from provider.reading.documents import event_document

Format = Literal["ndjson", "csv"]
Writer = Callable[[Iterable[RecordedEvent]], Iterator[str]]

COLUMNS: Final = (
    "position", "stream", "version", "type", "schema_version", "data", "recorded_at", "actor", "correlation_id",
    "command_id", "hash",
)  # fmt: skip
"""The columns of the table `events`, in its order."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_ndjson(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Write one JSON object a line: what `event_document` says, keys sorted, as `events -o json` shows it."""
    for recorded in events:
        yield _compact(event_document(recorded)) + "\n"


def write_csv(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Write RFC 4180 lines after one with the names of the columns; the payload is JSON text, null an empty cell.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    yield _taken(buffer)
    for recorded in events:
        document = event_document(recorded)
        writer.writerow([_cell(document[name]) for name in COLUMNS])
        yield _taken(buffer)


WRITERS: Mapping[Format, Writer] = {"ndjson": write_ndjson, "csv": write_csv}
MEDIA_TYPES: Mapping[Format, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def _cell(value: object) -> object:
    if isinstance(value, dict):
        return _compact(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
