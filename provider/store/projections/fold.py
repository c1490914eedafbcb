"""The fold of the whole log into rows: from its beginning, or from what the archived part of it adds up to."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from provider.domain.archives import Baseline
from provider.domain.errors import CorruptLogError
from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent, format_timestamp, parse_timestamp
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.ports.reading.sandboxes import SandboxAsOf
from provider.store.log import reader as log_reader
from provider.store.states.rows import (
    changed_generations,
    generation_row,
    read_generation,
    read_state,
    sandbox_row,
)
from provider.store.tables import archives, events, generations, sandboxes, streams
from provider.store.types import UtcTimestamp

Progress = Callable[[int], None]
FOLDED = (streams, sandboxes, generations)
"""The tables that the log alone determines."""
LARGEST_BASELINE = 2**30
_SANDBOX = sandbox_stream("")
_LAST = (
    select(archives.c.through_position, archives.c.baseline, events.c.data)
    .select_from(archives.outerjoin(events, events.c.position == archives.c.event_position))
    .order_by(archives.c.through_position.desc())
    .limit(1)
)


class Fold:
    """The log folded into rows, in memory; `position` is the last event taken."""

    def __init__(self) -> None:
        self.position = 0
        self._versions: dict[str, int] = {}
        self._states: dict[str, SandboxState] = {}
        self._generations: dict[tuple[str, int], dict[str, Any]] = {}

    @classmethod
    def from_base(cls, connection: Connection) -> Fold:
        """Start where the log in the table begins; raise `CorruptLogError` for a baseline that was altered."""
        fold = cls()
        row = connection.execute(_LAST).one_or_none()
        if row is not None:
            said = json.loads(row.data)["baseline_sha256"] if row.data is not None else None
            fold.start_from(row.through_position, Baseline(bytes(row.baseline), str(said)))
        return fold

    def read(self, connection: Connection, progress: Progress | None = None, *, through: int | None = None) -> int:
        """Fold every event the connection sees, up to a position, checking each; return the last one's position."""
        while through is None or self.position < through:
            limit = log_reader.PAGE if through is None else min(log_reader.PAGE, through - self.position)
            page = log_reader.log_page(connection, self.position, limit)
            for recorded in page:
                self.take(recorded)
            if progress and page:
                progress(self.position)
            if not page:
                break
        return self.position

    def take(self, recorded: RecordedEvent) -> None:
        """Fold one event; they come in the order of their positions."""
        self.position = recorded.position
        self._versions[recorded.stream] = recorded.version
        if recorded.stream.startswith(_SANDBOX):
            stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
            self._apply(recorded.stream.removeprefix(_SANDBOX), recorded.event, stamp)

    def _apply(self, sandbox_id: str, event: Event, stamp: Stamp) -> None:
        before = self._states.get(sandbox_id) or SandboxState(sandbox_id=sandbox_id)
        after = evolve(before, event, stamp)
        for generation in changed_generations(before, after):
            self._generations[sandbox_id, generation.number] = generation_row(sandbox_id, generation)
        self._states[sandbox_id] = settled(after)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """List a table's rows in key order."""
        if table is streams:
            return [{"stream": key, "version": self._versions[key]} for key in sorted(self._versions)]
        if table is sandboxes:
            return [sandbox_row(self._states[key]) for key in sorted(self._states)]
        return [self._generations[key] for key in sorted(self._generations)]

    def find(self, sandbox_id: str) -> SandboxAsOf | None:
        """Return one sandbox with all its generations; None for one that the events taken say nothing of."""
        state = self._states.get(sandbox_id)
        if state is None:
            return None
        numbers = range(1, state.generation + 1)
        rows = (self._generations.get((sandbox_id, number)) for number in numbers)
        return SandboxAsOf(
            position=self.position, recorded_at=state.updated_at, state=state,
            generations=tuple(read_generation(row) for row in rows if row is not None),
        )  # fmt: skip

    def count_live(self) -> int:
        """Count the sandboxes that take a place of the capacity."""
        return sum(state.occupies for state in self._states.values())

    def pack(self, only: Collection[str] | None = None) -> Baseline:
        """Pack what there is so far, of all streams or only of these; the same events give the same text."""
        document = {table.name: [_as_text(row) for row in self.rows(table)] for table in FOLDED}
        if only is not None:
            document = {name: [row for row in rows if _stream_of(row) in only] for name, rows in document.items()}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return Baseline(zlib.compress(text, 6), hashlib.sha256(text).hexdigest())

    def version_of(self, stream: str) -> int:
        """Return the last version of a stream."""
        return self._versions.get(stream, 0)

    def start_from(self, position: int, baseline: Baseline) -> None:
        """Go on from a baseline instead of nothing; raise `CorruptLogError` for one that is not what its sum says."""
        try:
            text = zlib.decompressobj().decompress(baseline.packed, LARGEST_BASELINE)
        except zlib.error as error:
            raise CorruptLogError(
                position, f"the baseline of the archive that ends with it is damaged ({error})"
            ) from error
        if hashlib.sha256(text).hexdigest() != baseline.sha256:
            raise CorruptLogError(position, "the baseline of the archive that ends with it is not the recorded one")
        document = json.loads(text)
        # Read behind a valid sum only: what it says was packed here.
        self.position = position
        self._versions = {row["stream"]: row["version"] for row in document["streams"]}
        for row in document["generations"]:
            self._generations[row["sandbox_id"], row["generation"]] = _from_text(generations, row)
        unsettled: dict[str, list[dict[str, Any]]] = {}
        for (sandbox_id, _), generation in self._generations.items():
            if generation["removed_at"] is None:
                unsettled.setdefault(sandbox_id, []).append(generation)
        for row in document["sandboxes"]:
            sandbox_id = row["sandbox_id"]
            self._states[sandbox_id] = read_state(_from_text(sandboxes, row), unsettled.get(sandbox_id, ()))


def _stream_of(row: Mapping[str, Any]) -> str:
    return str(row["stream"]) if "stream" in row else sandbox_stream(row["sandbox_id"])


def _as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: format_timestamp(v) if isinstance(v, datetime) else v for name, v in row.items()}


def _from_text(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    times = {column.name for column in table.columns if isinstance(column.type, UtcTimestamp)}
    return {name: parse_timestamp(v) if name in times and v is not None else v for name, v in row.items()}
