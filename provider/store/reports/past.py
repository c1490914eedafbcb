"""Reading the ledger as it was: which sandboxes there were, those unchanged since, and the events of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from provider.domain.log import RecordedEvent
from provider.ports.reading.sandboxes import SandboxAsOf, SandboxRecord
from provider.store.database import Database
from provider.store.log import reader as log_reader
from provider.store.log.chain_base import chain_base
from provider.store.projections.fold import Fold
from provider.store.reports.queries import SHOWN, read_record
from provider.store.tables import generations, sandboxes

_EXISTING = (
    select(sandboxes.c.sandbox_id)
    .where(sandboxes.c.created_at <= bindparam("moment"))
    .order_by(sandboxes.c.created_at.desc(), sandboxes.c.sandbox_id.desc())
)
_WITH_CONTAINER = _EXISTING.where(
    sandboxes.c.sandbox_id.in_(
        select(generations.c.sandbox_id).where(
            generations.c.creating_at <= bindparam("moment"),
            or_(generations.c.removed_at.is_(None), generations.c.removed_at >= bindparam("moment")),
        )
    )
)
_UNCHANGED = select(*SHOWN).where(
    sandboxes.c.sandbox_id.in_(bindparam("ids", expanding=True)), sandboxes.c.updated_at < bindparam("moment")
)


class SqlPast:
    """Reads what was then, on SQLite or PostgreSQL. Every call holds nothing afterwards."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._baselines = _Baselines(database)

    def find_time_of(self, position: int) -> datetime | None:
        """Return when an event was recorded; None for a position that the table does not have."""
        with self._database.reading() as connection:
            return log_reader.find_time_of(connection, position)

    def list_ids_at(self, moment: datetime, *, with_container: bool) -> Sequence[str]:
        """List the sandboxes that existed at a moment, the newest first."""
        statement = _WITH_CONTAINER if with_container else _EXISTING
        with self._database.reading() as connection:
            return connection.execute(statement, {"moment": moment}).scalars().all()

    def read_unchanged_since(self, moment: datetime, sandbox_ids: Collection[str]) -> Mapping[str, SandboxRecord]:
        """Read those of these sandboxes to which nothing happened at or after a moment."""
        # Strictly before: events of one moment may stand on both sides of a position.
        values = {"moment": moment, "ids": list(sandbox_ids)}
        with self._database.reading() as connection:
            rows = connection.execute(_UNCHANGED, values).all()
        return {row.sandbox_id: read_record(row._asdict()) for row in rows}

    def read_archived(self, sandbox_ids: Collection[str]) -> Mapping[str, SandboxAsOf]:
        """Read what the archived events of these sandboxes add up to."""
        return self._baselines.read(sandbox_ids)

    def read_streams(self, after: Mapping[str, int], position: int) -> Mapping[str, Sequence[RecordedEvent]]:
        """Read the events of these streams behind a version of each and up to a position, each checked."""
        found: dict[str, list[RecordedEvent]] = defaultdict(list)
        with self._database.reading() as connection:
            for recorded in log_reader.streams_until(connection, after, position):
                found[recorded.stream].append(recorded)
        return found


class _Baselines:
    """Reads the baseline of the last archive, and keeps the one read last. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = Fold()

    def read(self, sandbox_ids: Iterable[str]) -> Mapping[str, SandboxAsOf]:
        """Read those of these sandboxes of which something was archived."""
        fold = self._fold()
        found = ((sandbox_id, fold.find(sandbox_id)) for sandbox_id in sandbox_ids)
        return {sandbox_id: one for sandbox_id, one in found if one is not None}

    def _fold(self) -> Fold:
        fold = self._last
        with self._database.snapshot() as connection:
            if chain_base(connection).position != fold.position:
                fold = self._last = Fold.from_base(connection)
        return fold
