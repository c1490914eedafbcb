"""Opening a ledger for a test, writing simple histories, and damaging a log as nobody may."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from provider.domain import events as ev
from provider.domain.codec import to_payload
from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.log import Appended, Author, RecordedEvent
from provider.domain.seals import Seal
from provider.domain.state import SandboxState
from provider.store.database import Database, open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import ensure_schema

AUTHOR = Author("worker:w1", "00000000-0000-4000-8000-000000000001")
SANDBOX = "0123456789abcdef"
OTHER = "f" * 16


class NothingKept:
    """The seals of a host that keeps none."""

    def last(self) -> Seal | None:
        return None

    def keep(self, seal: Seal) -> None:
        """Forget it."""

    def start_anew(self) -> None:
        """Do nothing: there is nothing."""


@contextmanager
def opened(url: str, *, page: int = 1000) -> Iterator[SqlEventStore]:
    """Open a ledger, made if the database is empty, and close it."""
    database = open_database(url)
    store = SqlEventStore(database, page=page)
    try:
        ensure_schema(database)
        yield store
    finally:
        store.close()


def creating(number: int = 1, sandbox_id: str = SANDBOX) -> ev.SandboxCreating:
    """Intend a generation."""
    return ev.SandboxCreating(
        generation=number, sandbox_id=sandbox_id, user_id="alice", thread_id="t", backend="fake", image="image",
        cause="cold", worker_id="w1", container_name=f"sandbox-{sandbox_id}-g{number}",
    )  # fmt: skip


def born(number: int = 1, sandbox_id: str = SANDBOX) -> list[Event]:
    """Make a generation from intent to its first holder: four events."""
    name = f"sandbox-{sandbox_id}-g{number}"
    return [
        creating(number, sandbox_id),
        ev.SandboxStarted(generation=number, container_id="c", container_name=name, host="h", url="http://h:1"),
        ev.SandboxReady(generation=number, startup_seconds=1.25),
        ev.SandboxAcquired(generation=number, worker_id="w1", how="created"),
    ]


def died(store: SqlEventStore, number: int = 1) -> list[Event]:
    """End a generation by a crash, up to its removal: four events."""
    return [
        ev.SandboxDied(generation=number, detected_by="watch", detected_at=store.now()),
        ev.SandboxEvicted(generation=number, reason="crashed"),
        ev.EvidenceCollected(
            generation=number, found=True, exit_code=137, oom_killed=False, engine_error="", finished_at=store.now(),
            log_tail="last words: Größe",
        ),
        ev.SandboxDestroyed(generation=number),
    ]  # fmt: skip


def append(store: SqlEventStore, *events: Event, sandbox_id: str = SANDBOX, author: Author = AUTHOR) -> Appended:
    """Append to a sandbox's stream, wherever it is."""
    state = store.load(sandbox_id)
    return store.append(sandbox_stream(sandbox_id), state.version, events, author, state=state)


def state_of(appended: Appended) -> SandboxState:
    """Return the state after an append to a sandbox's stream."""
    assert appended.state is not None
    return appended.state


@contextmanager
def console(database: Database) -> Iterator[Connection]:
    """Open one transaction as somebody with a database console would; errors are the driver's own."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if database.is_sqlite else "BEGIN")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def execute(store: SqlEventStore, *statements: str) -> None:
    """Run SQL in one transaction, as somebody with a database console would."""
    with console(store.database) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def remove_guards(connection: Connection) -> None:
    """Take away what keeps the log from being changed, as somebody with all rights can."""
    guards = ["ALTER TABLE events DISABLE TRIGGER ALL"]
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all()
        guards = [f"DROP TRIGGER {name}" for name in found]
    for guard in guards:
        connection.exec_driver_sql(guard)


@contextmanager
def unguarded(connection: Connection) -> Iterator[None]:
    """Take the guards away and put them back as they were: what is left is the forged log alone."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
        remove_guards(connection)
        yield
        for _, sql in found:
            connection.exec_driver_sql(sql)
        return
    found = connection.exec_driver_sql(
        "SELECT tgname, tgenabled::text FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
    ).all()
    remove_guards(connection)
    yield
    connection.exec_driver_sql("ALTER TABLE events ENABLE TRIGGER ALL")
    for name, enabled in found:
        if enabled == "A":
            connection.exec_driver_sql(f"ALTER TABLE events ENABLE ALWAYS TRIGGER {name}")


def tamper(store: SqlEventStore, *statements: str) -> None:
    """Change the log by force: the guards are taken away for it."""
    with console(store.database) as connection, unguarded(connection):
        for statement in statements:
            connection.exec_driver_sql(statement)


def link(previous: str, recorded: RecordedEvent) -> str:
    """Work out an event's hash from the description in `provider/domain/log.py`, with none of its code."""
    body = {
        "stream": recorded.stream, "version": recorded.version, "type": recorded.event.type,
        "schema_version": recorded.event.schema_version, "data": to_payload(recorded.event), "actor": recorded.actor,
        "correlation_id": recorded.correlation_id, "command_id": recorded.command_id,
    }  # fmt: skip
    at = recorded.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{recorded.position}\n{at}\n{text}".encode()).hexdigest()


def assert_chained(events: Sequence[RecordedEvent]) -> None:
    """Check that these are the whole log: dense positions, times that never go back, an unbroken chain."""
    previous, moment = "0" * 64, None
    for expected, recorded in enumerate(events, 1):
        assert recorded.position == expected
        assert recorded.hash == link(previous, recorded)
        assert moment is None or recorded.recorded_at >= moment
        assert recorded.recorded_at.tzinfo is not None
        previous, moment = recorded.hash, recorded.recorded_at
