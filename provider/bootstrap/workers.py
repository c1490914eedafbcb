"""Workers: the provider that an application opens, and the worker process behind it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from provider.api import SandboxProvider
from provider.bootstrap.engines import open_backend
from provider.bootstrap.stores import open_store, undone_on_error
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.runtime.worker.process import WorkerProcess
from provider.runtime.worker.worker import Worker, new_worker_id
from provider.sandbox.access_token import sandbox_token
from provider.store.coordination.waiters import SqlWaiters
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.database import Database, open_database
from provider.store.keys import read_token_key
from provider.store.log.feed import SqlFeed

if TYPE_CHECKING:
    from provider.ports.engine import SandboxBackend
    from provider.runtime.replica import Replica
    from provider.runtime.sweep.sweep import Sweep
    from provider.runtime.sweep.sweeper import Sweeper
    from provider.runtime.worker.activity import Activity
    from provider.store.log.event_store import SqlEventStore

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def open_provider(settings: Source = None, *, backend: SandboxBackend | None = None) -> SandboxProvider:
    """Open the ledger and the engine, and start this process's worker.

    `settings` is a path to a YAML file, a mapping, `Settings`, or nothing for `./config.yaml`; `backend` replaces the
    configured one. An empty database gets its schema; one of another version is refused with `SchemaError`. Use as a
    context manager, or call `shutdown()`.
    """
    loaded = load_settings(settings)
    store = open_store(loaded)
    with undone_on_error(store.close):
        engine = open_engine(loaded, store, backend)
    opened = [store]

    def assemble() -> WorkerProcess:
        fresh = opened.pop() if opened else open_store(loaded, migrate=False)
        return assemble_worker(loaded, fresh, engine)

    return SandboxProvider(assemble).start()


def assemble_worker(settings: Settings, store: SqlEventStore, engine: GuardedEngine) -> WorkerProcess:
    """Wire one worker process with an identity of its own. Nothing is contacted yet."""

    def assemble_sweep(worker: Worker, replica: Replica, activity: Activity) -> Sweep:
        from provider.bootstrap import sweeping

        return sweeping.assemble_sweep(settings, store.database, worker, replica, activity)

    def schedule_sweep(worker: Worker, sweep: Sweep) -> Sweeper:
        from provider.bootstrap import sweeping

        return sweeping.schedule_sweep(settings, store, worker, sweep)

    return WorkerProcess(
        make_worker(settings, store, engine),
        SqlFeed(store.database),
        settings.worker.heartbeat_interval,
        assemble_sweep,
        schedule_sweep if settings.sweeper.enabled else None,
    )


def make_worker(settings: Settings, store: SqlEventStore, engine: GuardedEngine) -> Worker:
    """Wire what the use cases need. The heartbeat has connections of its own, which no busy pool takes from it."""
    own = open_database(store.database.url, synchronous=settings.database.synchronous, pre_ping=True)
    return Worker(
        worker_id=new_worker_id(),
        store=store,
        registry=SqlWorkerRegistry(own),
        queue=SqlWaiters(store.database),
        engine=engine,
        settings=settings.sandbox,
        lease_seconds=settings.worker.lease_time,
    )


def open_engine(settings: Settings, store: SqlEventStore, backend: SandboxBackend | None = None) -> GuardedEngine:
    """Wrap a backend, by default the configured one, so that no secret passes in what it says.

    The configured values never do; `audit.log_tail` decides about the rest of a container's log.
    """
    secrets, kept = tuple(settings.sandbox.environment.values()), settings.audit.log_tail

    def hide(text: str) -> str:
        from provider.backends.redaction import redact  # its many patterns are compiled when something is said

        return redact(text, secrets)

    def keep_log(text: str) -> str:
        from provider.backends.redaction import mask_values

        if kept == "none":
            return ""
        return hide(text) if kept == "redacted" else mask_values(text, secrets)

    guarded = backend if backend is not None else open_backend(settings, store.ledger_id)
    return GuardedEngine(guarded, hide, keep_log, token_maker(settings, store.database))


def token_maker(settings: Settings, database: Database) -> Callable[[str], str | None]:
    """Wire what makes a container's token from its name; where sandboxes ask for none, there is none."""
    if settings.sandbox.auth == "none":
        return lambda container_name: None
    return functools.partial(sandbox_token, read_token_key(database))
