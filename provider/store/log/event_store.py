"""The event store over SQLAlchemy: append with projections, load, read, follow."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, Text, bindparam, cast, select

from provider.domain.errors import DuplicateCommand, VersionConflict
from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.log import Appended, Author, RecordedEvent
from provider.domain.policy import Capacity
from provider.domain.state import Generation, SandboxState
from provider.store.database import Database
from provider.store.engine import immediate_transaction
from provider.store.log import append_postgres as postgres
from provider.store.log import append_sqlite as sqlite
from provider.store.log import reader as log_reader
from provider.store.log.batch import Batch, make_batch
from provider.store.states.activity import move_activity
from provider.store.states.loading import load_state
from provider.store.states.rows import read_generation
from provider.store.tables import generations, ledger_head, sandboxes, streams

Answer = TypeVar("Answer")

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
_PREFIX = sandbox_stream("")


class SqlEventStore:
    """The ledger on SQLite or PostgreSQL. Safe from any thread and from any number of processes.

    An append is one transaction and durable on return. Positions are dense and equal to commit order. `page` is the
    number of events read at once.
    """

    def __init__(self, database: Database, *, page: int = log_reader.PAGE) -> None:
        self.database = database
        self._page = page
        self._lock = threading.Lock()
        self._ledger_id: str | None = None

    @property
    def ledger_id(self) -> str:
        """The installation's UUID, made at the first migration."""
        with self._lock:
            if self._ledger_id is None:
                self._ledger_id = str(self._read(lambda c: c.execute(select(ledger_head.c.ledger_id)).scalar_one()))
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
        ledger_id = self.ledger_id
        with self.database.translated():
            try:
                appended = self._write(ledger_id, batch)
            except self.database.driver_error as error:
                full = postgres.capacity_error(error)
                if full is not None:
                    raise full from error
                if author.command_id is None or "command_id" not in str(error):
                    raise
                raise DuplicateCommand(f"{stream}: command {author.command_id} was recorded before") from error
        if appended is None:
            raise VersionConflict(f"{stream}: no longer at version {expected_version}")
        return appended

    def _write(self, ledger_id: str, batch: Batch) -> Appended | None:
        with self.database.cursor() as cursor:
            if not self.database.is_sqlite:
                return postgres.append(cursor, ledger_id, batch)
            with immediate_transaction(cursor):
                return sqlite.append(cursor, ledger_id, batch)

    def load(self, sandbox_id: str) -> SandboxState:
        """Read the current state of one sandbox in one statement; an unknown id gives an empty state."""
        with self.database.translated(), self.database.cursor() as cursor:
            return load_state(cursor, self.database.engine.dialect.name, sandbox_id)

    def find_previous(self, sandbox_id: str, generation: int) -> Generation | None:
        """Find the last generation before this one that was ever in use."""
        values = {"sandbox_id": sandbox_id, "generation": generation}
        row = self._read(lambda c: c.execute(_PREVIOUS, values).one_or_none())
        return read_generation(row._asdict()) if row is not None else None

    def list_held(self, worker_id: str) -> Sequence[str]:
        """List the ids of the sandboxes that a worker holds."""
        quoted = json.dumps(worker_id, ensure_ascii=False)
        like = cast(sandboxes.c.holders, Text).contains(quoted, autoescape=True)
        statement = (
            select(sandboxes.c.sandbox_id, sandboxes.c.holders)
            .where(sandboxes.c.status == "active", like)
            .order_by(sandboxes.c.sandbox_id)
        )
        rows = self._read(lambda c: c.execute(statement).all())
        return [row.sandbox_id for row in rows if worker_id in json.loads(row.holders)]

    def read_stream(self, stream: str, after_version: int = 0) -> Iterator[RecordedEvent]:
        """Read one stream in version order, in pages; no transaction is held between them."""
        while True:
            query = functools.partial(log_reader.stream_page, stream=stream, after=after_version, limit=self._page)
            page = self._read(query)
            yield from page
            if len(page) < self._page:
                return
            after_version = page[-1].version

    def read_all(self, after: int = 0, limit: int | None = None) -> Iterator[RecordedEvent]:
        """Read the log in position order behind `after`, in pages, to its end as it is when reached."""
        left = limit if limit is not None else 2**62
        while left > 0:
            size = min(self._page, left)
            page = self._read(functools.partial(log_reader.log_page, after=after, limit=size))
            yield from page
            if len(page) < size:
                return
            after, left = page[-1].position, left - len(page)

    def head_position(self) -> int:
        """Return the position of the last event, 0 for an empty log. One cheap look, for followers."""
        with self.database.translated(), self.database.cursor() as cursor:
            return int(cursor.execute("SELECT position FROM ledger_head").fetchone()[0])

    def version_of(self, stream: str) -> int:
        """Return how many events a stream has; 0 for one that does not exist."""
        statement = select(streams.c.version).where(streams.c.stream == stream)
        return int(self._read(lambda c: c.execute(statement).scalar_one_or_none()) or 0)

    def find_command(self, command_id: str) -> RecordedEvent | None:
        """Find the event that was recorded under an idempotency key."""
        return self._read(lambda c: log_reader.find_by_command(c, command_id))

    def find_completion(self, requested: RecordedEvent) -> RecordedEvent | None:
        """Find the outcome of an operator's request; None while there is none."""
        return self._read(lambda c: log_reader.find_completion(c, requested))

    def touch(self, ages: Mapping[str, float]) -> None:
        """Move activity times forward (never back): each sandbox was used that many seconds ago, by database time."""
        if ages:
            move_activity(self.database, ages)

    def now(self) -> datetime:
        """Return the database's time, UTC."""
        return self.database.now()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self.database.close()

    def _read(self, query: Callable[[Connection], Answer]) -> Answer:
        with self.database.reading() as connection:
            return query(connection)
