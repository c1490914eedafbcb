"""The log as text: the same values as everywhere, one event at a time, and no formula for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from provider.domain.events import Event, OperatorActionRequested, WorkerStarted
from provider.domain.log import RecordedEvent
from provider.reading.documents import event_document
from provider.reading.export import COLUMNS, write_csv, write_ndjson
from provider.store.tables import events as events_table

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
STARTED = WorkerStarted(worker_id="w", host='h,\n"x"', pid=1)


def recorded(event: Event, *, command_id: str | None = None, position: int = 1) -> RecordedEvent:
    return RecordedEvent(position, "worker:w", 1, event, AT, "worker:w", "c", command_id, "0" * 64)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_line_of_json_is_the_event_document() -> None:
    one = recorded(STARTED, command_id="Größe")
    (line,) = write_ndjson([one])
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert json.loads(line) == event_document(one)


def test_csv_has_the_columns_of_the_table_and_the_payload_as_json() -> None:
    assert tuple(column.name for column in events_table.columns) == COLUMNS
    (row,) = read_csv("".join(write_csv([recorded(STARTED)])))
    assert tuple(row) == COLUMNS
    assert json.loads(row["data"]) == {"worker_id": "w", "host": 'h,\n"x"', "pid": 1}
    assert (row["position"], row["command_id"], row["recorded_at"]) == ("1", "", "2026-11-24T12:00:00.000000Z")


def test_csv_of_nothing_is_its_heading() -> None:
    assert "".join(write_csv([])) == ",".join(COLUMNS) + "\r\n"
    assert list(write_ndjson([])) == []


def test_no_cell_is_a_formula() -> None:
    for start in "=+-@\t\r":
        asked = OperatorActionRequested(operator="o", action="a", target="t", reason=f"{start}1")
        (row,) = read_csv("".join(write_csv([recorded(asked, command_id=f"{start}cmd|' /C calc'!A0")])))
        assert all(not value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())
        assert row["command_id"] == f"'{start}cmd|' /C calc'!A0"


def test_writers_hold_one_event_at_a_time() -> None:
    taken = []

    def source() -> Iterator[RecordedEvent]:
        for position in range(1, 4):
            taken.append(position)
            yield recorded(STARTED, position=position)

    lines = write_ndjson(source())
    next(lines)
    assert taken == [1]
    cells = write_csv(source())
    next(cells)
    next(cells)
    assert taken == [1, 1]
