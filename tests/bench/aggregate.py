"""The same sandbox as an aggregate of the `eventsourcing` library, on its own recorders, as its manual shows them."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import eventsourcing.sqlite
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from provider.store.engine import sqlite_module
from tests.bench.lives import WORKER, Identity
from tests.bench.stage import Stage


class Sandbox(Aggregate):
    """Who holds which generation; each method triggers one event, as each of our commands appends one."""

    @event("Creating")
    def __init__(self, sandbox_id: str, user_id: str, thread_id: str, image: str, container_name: str) -> None:
        self.sandbox_id = sandbox_id
        self.user_id = user_id
        self.thread_id = thread_id
        self.image = image
        self.container_name = container_name
        self.container_id = ""
        self.url = ""
        self.status = "creating"
        self.holders: list[str] = []

    @event("Started")
    def start(self, container_id: str, url: str) -> None:
        self.container_id = container_id
        self.url = url

    @event("Ready")
    def ready(self, startup_seconds: float) -> None:
        self.status = "warm"

    @event("Acquired")
    def acquire(self, generation: int, worker_id: str, how: str) -> None:
        self.status = "active"
        self.holders.append(worker_id)

    @event("Released")
    def release(self, generation: int, worker_id: str, cause: str) -> None:
        self.holders.remove(worker_id)
        self.status = "active" if self.holders else "warm"


class Sandboxes(Application[UUID]):
    """Loads by replaying the stream and saves what is new; no cache and no snapshots, which are off by default."""

    def begin(self, who: Identity) -> UUID:
        """Start a sandbox: 4 events."""
        image, name = "sandbox-ledger/sandbox:latest", f"sandbox-{who.sandbox_id}-g1"
        sandbox = Sandbox(who.sandbox_id, who.user_id, who.thread_id, image, name)
        sandbox.start(who.sandbox_id * 4, "http://127.0.0.1:40123")
        sandbox.ready(0.412345)
        sandbox.acquire(1, WORKER, "created")
        self.save(sandbox)
        return sandbox.id

    def turn(self, id_: UUID) -> None:
        """Release a sandbox that is held, or hold one that is not: load, decide, save."""
        sandbox: Sandbox = self.repository.get(id_)
        if WORKER in sandbox.holders:
            sandbox.release(1, WORKER, "request")
        else:
            sandbox.acquire(1, WORKER, "warm")
        self.save(sandbox)


@contextmanager
def sandboxes(stage: Stage, dialect: str, *, functions: bool = False) -> Iterator[Sandboxes]:
    """Open the application; `functions` lets the library insert by its stored functions, which is off by default."""
    environment = _postgres(stage, functions) if dialect == "postgres" else _sqlite(stage)
    application = Sandboxes(env=environment)
    try:
        yield application
    finally:
        application.close()


def _sqlite(stage: Stage) -> dict[str, str]:
    # The same SQLite library and the same durability as ours, instead of the machine's library and its default.
    eventsourcing.sqlite.sqlite3 = EqualSqlite()  # type: ignore[attr-defined,assignment]
    path = stage.empty_database("sqlite").removeprefix("sqlite:///")
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}


def _postgres(stage: Stage, functions: bool) -> dict[str, str]:
    importlib.import_module("eventsourcing.postgres")  # says what is missing, which the library itself does not
    address, name = stage.address, stage.empty_database("postgres").rpartition("/")[2]
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_DBNAME": name, "POSTGRES_HOST": address.host,
        "POSTGRES_PORT": address.port, "POSTGRES_USER": address.user, "POSTGRES_PASSWORD": address.password,
        "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if functions else "no",
    }  # fmt: skip


class EqualSqlite:
    """The driver that our store uses, with `synchronous = FULL` on every connection."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite_module(), name)

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite_module().connect(*arguments, **options)
        connection.execute("PRAGMA synchronous = FULL")
        return connection
