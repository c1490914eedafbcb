"""The event store over SQLAlchemy: append with projections, load, read, follow."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Text, bindparam, cast, func, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from provider.domain.errors import DuplicateCommand, VersionConflict
from provider.domain.events import Event
from provider.domain.log import Appended, Author, RecordedEvent
from provider.domain.policy import Capacity
from provider.domain.state import Generation, SandboxState
from provider.store import log_reader, postgres, sqlite
from provider.store.activity import touch_statement
from provider.store.batch import Batch, make_batch
from provider.store.engine import translated, unavailable, write_transaction
from provider.store.postgres import capacity_error
from provider.store.rows import read_generation, read_state
from provider.store.tables import generations, ledger_head, sandboxes

_LOAD = (
    select(sandboxes, *(c.label(f"g_{c.name}") for c in generations.columns))
    .select_from(
        sandboxes.outerjoin(
            generations, (generations.c.sandbox_id == sandboxes.c.sandbox_id) & generations.c.removed_at.is_(None)
        )
    )
    .where(sandboxes.c.sandbox_id == bindparam("sandbox_id"))
    .order_by(generations.c.generation)
)
_PREVIOUS = (
    select(generations)
    .where(
        generations.c.sandbox_id == bindparam("sandbox_id"),
        generations.c.generation < bindparam("generation"),
        generations.c.ready_at.is_not(None),
    )
    .order_by(generations.c.generation.desc())
    .limit(1)
)
_PREFIX = "sandbox:"


class SqlEventStore:
    """The ledger on SQLite or PostgreSQL. Safe from any thread and from any number of processes.

    An append is one transaction and durable on return. Positions are dense and equal to commit order.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url
        self._lock = threading.Lock()
        self._ledger_id: str | None = None

    @property
    def engine(self) -> Engine:
        """The engine, for the other parts of this package."""
        return self._engine

    @property
    def url(self) -> str:
        """The database URL, with its password."""
        return self._url

    @property
    def ledger_id(self) -> str:
        """The installation's UUID, made at the first migration."""
        with self._lock:
            if self._ledger_id is None:
                with translated(self._url), self._engine.connect() as connection:
                    self._ledger_id = str(connection.execute(select(ledger_head.c.ledger_id)).scalar_one())
            return self._ledger_id

    def append(
        self,
        stream: str,
        expected_version: int,
        events: Sequence[Event],
        author: Author,
        *,
        state: SandboxState | None = None,
        capacity: Capacity | None = None,
    ) -> Appended:
        """Append events and update the projections in one transaction; durable on return.

        `state` is the state the decision was made on; without it, it is read. `capacity` must hold once the events
        are in. Raise `VersionConflict`, `DuplicateCommand` or `CapacityExceeded`, with nothing written.
        """
        if not events:
            raise ValueError("an append needs at least one event")
        if state is None and stream.startswith(_PREFIX):
            state = self.load(stream.removeprefix(_PREFIX))
        if state is not None and state.version != expected_version:
            raise VersionConflict(f"{stream}: expected version {expected_version}, decided on {state.version}")
        batch = make_batch(stream, expected_version, events, author, state, capacity)
        try:
            appended = self._write(batch)
        except IntegrityError as error:
            if author.command_id is not None and "command_id" in str(error.orig):
                raise DuplicateCommand(f"{stream}: command {author.command_id} was recorded before") from error
            raise unavailable(self._url, error) from error
        except SQLAlchemyError as error:
            raise capacity_error(error) or unavailable(self._url, error) from error
        if appended is None:
            raise VersionConflict(f"{stream}: no longer at version {expected_version}")
        return appended

    def _write(self, batch: Batch) -> Appended | None:
        if self._engine.dialect.name == "sqlite":
            with write_transaction(self._engine) as connection:
                return sqlite.append(connection, self.ledger_id, batch)
        with self._engine.connect() as connection:
            return postgres.append(connection, self.ledger_id, batch)

    def load(self, sandbox_id: str) -> SandboxState:
        """Read the current state of one sandbox in one statement; an unknown id gives an empty state."""
        with translated(self._url), self._engine.connect() as connection:
            rows = [row._asdict() for row in connection.execute(_LOAD, {"sandbox_id": sandbox_id})]
        if not rows:
            return SandboxState(sandbox_id=sandbox_id)
        return read_state(rows[0], [_generation_part(row) for row in rows if row["g_generation"] is not None])

    def find_previous(self, sandbox_id: str, generation: int) -> Generation | None:
        """Find the last generation before this one that was ever in use."""
        with translated(self._url), self._engine.connect() as connection:
            row = connection.execute(_PREVIOUS, {"sandbox_id": sandbox_id, "generation": generation}).one_or_none()
        return read_generation(row._asdict()) if row is not None else None

    def list_held(self, worker_id: str) -> Sequence[str]:
        """List the ids of the sandboxes that a worker holds."""
        held = cast(sandboxes.c.holders, Text).contains(json.dumps(worker_id), autoescape=True)
        statement = select(sandboxes.c.sandbox_id).where(sandboxes.c.status == "active", held)
        with translated(self._url), self._engine.connect() as connection:
            return connection.execute(statement.order_by(sandboxes.c.sandbox_id)).scalars().all()

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[RecordedEvent]:
        """Read one stream in version order, in pages; no transaction is held between them."""
        while True:
            with translated(self._url), self._engine.connect() as connection:
                page = log_reader.stream_page(connection, stream, after_version)
            yield from page
            if len(page) < log_reader.PAGE:
                return
            after_version = page[-1].version

    def read_all(self, after: int = 0, limit: int | None = None) -> Iterator[RecordedEvent]:
        """Read the log in position order behind `after`, in pages, to its end as it is when reached."""
        left = limit if limit is not None else 2**62
        while left > 0:
            size = min(log_reader.PAGE, left)
            with translated(self._url), self._engine.connect() as connection:
                page = log_reader.log_page(connection, after, size)
            yield from page
            if len(page) < size:
                return
            after, left = page[-1].position, left - len(page)

    def head_position(self) -> int:
        """Tell the position of the last event, 0 for an empty log. One cheap look, for followers."""
        with translated(self._url), self._engine.connect() as connection:
            return int(connection.execute(select(ledger_head.c.position)).scalar_one())

    def touch(self, ages: Mapping[str, float]) -> None:
        """Move activity times forward (never back): each sandbox was used that many seconds ago, by database time."""
        if not ages:
            return
        with translated(self._url), write_transaction(self._engine) as connection:
            statement = touch_statement(self._engine.dialect.name)
            connection.execute(statement, [{"id": i, "age": max(0.0, a)} for i, a in sorted(ages.items())])

    def now(self) -> datetime:
        """Tell the database's time, UTC."""
        if self._engine.dialect.name == "sqlite":
            return datetime.now(UTC)
        with translated(self._url), self._engine.connect() as connection:
            return connection.execute(select(func.clock_timestamp())).scalar_one()  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._engine.dispose()


def _generation_part(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("g_"): value for name, value in row.items() if name.startswith("g_")}
