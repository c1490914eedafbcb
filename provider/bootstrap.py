"""The only place that knows every adapter: wires settings, store and backend into a provider."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from provider.api import SandboxProvider
from provider.archive.archiving import ArchiveReport, Archiving, describe_bundle
from provider.archive.bundle_file import write_bundle
from provider.archive.importing import RestoreReport, restore
from provider.archive.incident import Wanted, choose, write_extract
from provider.archive.opening import open_bundles
from provider.archive.sealing import LOOK_SECONDS, Sealing
from provider.backends.redaction import redact
from provider.backends.registry import create_backend
from provider.config.loading import load_settings
from provider.config.settings import DatabaseSettings, Settings
from provider.domain.bundles import BundleManifest
from provider.domain.log import Author
from provider.domain.seals import SealKey
from provider.domain.times import AsOf
from provider.domain.verification import Progress, RecordedSeal, Scope, VerificationReport
from provider.domain.workers import WorkerJobs
from provider.ports.engine import EngineDescription, SandboxBackend, SupportsDescription
from provider.reading.fleet import Fleet
from provider.reading.insights import Insights
from provider.reading.integrity import Integrity
from provider.reading.past import Past, look_back
from provider.reading.reports import Reports
from provider.reading.timeline import Timeline
from provider.runtime.operators.actions import OperatorActions
from provider.runtime.operators.operator_worker import OperatorWorker
from provider.runtime.replica import Replica
from provider.runtime.sweep.leader import Leader
from provider.runtime.sweep.scheduler import Scheduler
from provider.runtime.sweep.sweep import Sweep
from provider.runtime.sweep.sweeper import Sweeper, SweeperStatus, read_status
from provider.runtime.worker.activity import Activity
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.runtime.worker.process import WorkerProcess
from provider.runtime.worker.worker import Worker, new_worker_id
from provider.store.archives.archives import SqlArchives
from provider.store.archives.restore import SqlRestore
from provider.store.coordination.leases import SqlLeases
from provider.store.coordination.operator_log import SqlOperatorLog
from provider.store.coordination.sweeps import SqlSweeps
from provider.store.coordination.waiters import SqlWaiters
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.database import open_database
from provider.store.engine import wal_is_safe
from provider.store.log.event_store import SqlEventStore
from provider.store.log.feed import SqlFeed
from provider.store.log.seals import SqlSeals
from provider.store.migrate import ensure_schema
from provider.store.projections.past import SqlPast
from provider.store.reports.endings import SqlEndingQueries
from provider.store.reports.fleet import SqlFleetQueries
from provider.store.reports.log import SqlLogQueries
from provider.store.reports.operations import SqlOperationQueries
from provider.store.reports.queries import SqlLedgerQueries
from provider.store.reports.sandboxes import SqlSandboxQueries
from provider.store.reports.system import SqlSystemQueries
from provider.store.reports.timeline import SqlTimelineQueries

if TYPE_CHECKING:
    from provider.store.maintenance import Maintenance

logger = logging.getLogger(__name__)

Source = Settings | Mapping[str, object] | str | os.PathLike[str] | None


def open_provider(settings: Source = None, *, backend: SandboxBackend | None = None) -> SandboxProvider:
    """Open the ledger and the engine, and start this process's worker.

    `settings` is a path to a YAML file, a mapping, `Settings`, or nothing for `./config.yaml`; `backend` replaces the
    configured one. An empty database gets its schema; one of another version is refused with `SchemaError`. Use as a
    context manager, or call `shutdown()`.
    """
    loaded = load_settings(settings)
    store = open_store(loaded)
    with _undone_on_error(store.close):
        engine = open_engine(loaded, store, backend)
    opened = [store]

    def assemble() -> WorkerProcess:
        fresh = opened.pop() if opened else open_store(loaded, migrate=False)
        return assemble_worker(loaded, fresh, engine)

    return SandboxProvider(assemble).start()


def assemble_worker(settings: Settings, store: SqlEventStore, engine: GuardedEngine) -> WorkerProcess:
    """Wire one worker process with an identity of its own. Nothing is contacted yet."""
    return WorkerProcess(
        make_worker(settings, store, engine),
        SqlFeed(store.database),
        settings.worker.heartbeat_interval,
        lambda *parts: assemble_sweep(settings, store, *parts),
    )


def assemble_sweep(
    settings: Settings, store: SqlEventStore, worker: Worker, replica: Replica, activity: Activity
) -> tuple[Sweep, Sweeper | None]:
    """Wire a worker's sweep, and the schedule for it where `sweeper.enabled` says so."""
    sweeps, wanted, lease_time = SqlSweeps(store.database), settings.sweeper, settings.worker.lease_time
    sweep = Sweep(worker, replica, activity, sweeps, wanted.orphan_grace)
    if not wanted.enabled:
        return sweep, None
    leader = Leader(SqlLeases(store.database), worker.worker_id, lease_time)
    sweeper = Sweeper(
        sweep, leader, sweeps, Scheduler(),
        lease_time=lease_time, interval=wanted.interval, retention_days=wanted.retention_days,
    )  # fmt: skip
    interval = settings.audit.seal_interval
    if interval:
        sealing = make_sealing(settings, store)
        sealer = functools.partial(worker.author, f"sweeper:{worker.worker_id}")
        sweeper.add_job("seal", min(interval, LOOK_SECONDS), lambda: sealing.seal_if_older(interval, sealer()))
    return sweep, sweeper


def make_sealing(settings: Settings, store: SqlEventStore) -> Sealing:
    """Wire what seals the log."""
    return Sealing(store, SqlSeals(store.database), find_seal_key(settings))


def find_seal_key(settings: Settings) -> SealKey | None:
    """Give the configured key of the seals' HMAC; None where there is none."""
    key = settings.audit.seal_key
    return SealKey.from_text(key) if key is not None else None


def seal_ledger(settings: Settings, actor: str) -> RecordedSeal | None:
    """Seal the log now on an operator's behalf and return its newest seal; None for an empty log."""
    store = open_store(settings)
    try:
        return make_sealing(settings, store).seal(Author(actor, str(uuid.uuid4())))
    finally:
        store.close()


def verify_ledger(settings: Settings, scope: Scope, progress: Progress | None = None) -> VerificationReport:
    """Look for everything in the ledger that is not as it was recorded; change nothing."""
    with contextlib.closing(open_maintenance(settings)) as database:
        return database.verify(find_seal_key(settings), scope, progress)


def archive_ledger(
    settings: Settings, before: AsOf, directory: Path, actor: str, progress: Callable[[str], None]
) -> ArchiveReport:
    """Archive what was recorded before a position, a moment or an age, on an operator's behalf."""
    with contextlib.closing(open_store(settings)) as store:
        ledger = SqlArchives(store.database)
        if isinstance(before, int):
            through = min(before - 1, store.head_position())
        else:
            through = ledger.position_before(store.now() - before if isinstance(before, timedelta) else before)
        author = Author(actor, str(uuid.uuid4()))
        return Archiving(store, ledger, find_seal_key(settings)).archive(through, directory, author, progress)


def write_log_bundle(settings: Settings, path: Path, *, replace: bool) -> BundleManifest:
    """Write everything that the database has of the log into a bundle, for a backup."""
    with contextlib.closing(open_store(settings)) as store:
        ledger = SqlArchives(store.database)
        base, head = ledger.base(), store.head_position()
        header = describe_bundle(ledger.describe_ledger(), base)
        return write_bundle(path, header, ledger.read(base, head), find_seal_key(settings), replace=replace)


def write_incident(
    settings: Settings, path: Path, wanted: Wanted, *, replace: bool, progress: Callable[[int], None]
) -> BundleManifest:
    """Write one sandbox or a span of time into a bundle that can be opened by itself."""
    with contextlib.closing(open_store(settings)) as store:
        ledger = SqlArchives(store.database)
        selection = choose(make_insights(store), ledger.base(), wanted)
        key = find_seal_key(settings)
        return write_extract(ledger, selection, path, key, replace=replace, progress=progress)


def open_bundle_ledger(settings: Settings, paths: Sequence[Path], directory: Path) -> RestoreReport:
    """Make a ledger for reading of these bundles in a new directory; the configured key checks their HMAC."""

    @contextlib.contextmanager
    def make_target(database: Path) -> Iterator[SqlRestore]:
        local = dataclasses.replace(settings, database=DatabaseSettings(url=f"sqlite:///{database}"))
        with contextlib.closing(open_store(local)) as store:
            yield SqlRestore(store.database, for_reading=True)

    return open_bundles(make_target, paths, directory, find_seal_key(settings))


def import_bundles(
    settings: Settings, paths: Sequence[Path], *, accept_unsigned: bool, progress: Callable[[int], None]
) -> RestoreReport:
    """Import bundles into the configured ledger, which must be empty."""
    with contextlib.closing(open_store(settings)) as store:
        return restore(
            SqlRestore(store.database),
            paths,
            find_seal_key(settings),
            accept_unsigned=accept_unsigned,
            progress=progress,
        )


def read_sweeper_status(settings: Settings, limit: int = 20) -> SweeperStatus:
    """Read who leads the sweep and how the last runs went, for `doctor`; the schema must be there."""
    store = open_store(settings, migrate=False)
    try:
        return read_status(SqlSweeps(store.database), SqlLeases(store.database), limit)
    finally:
        store.close()


def read_worker_jobs(settings: Settings) -> Sequence[WorkerJobs]:
    """Read how the recurring jobs of all workers are doing, for `doctor`; the schema must be there."""
    store = open_store(settings, migrate=False)
    try:
        return SqlWorkerRegistry(store.database).list_jobs()
    finally:
        store.close()


def make_worker(settings: Settings, store: SqlEventStore, engine: GuardedEngine) -> Worker:
    """Wire what the use cases need. The heart has connections of its own, which a busy pool cannot keep from it."""
    heart = open_database(store.database.url, synchronous=settings.database.synchronous, pre_ping=True)
    return Worker(
        worker_id=new_worker_id(),
        store=store,
        registry=SqlWorkerRegistry(heart),
        queue=SqlWaiters(store.database),
        engine=engine,
        settings=settings.sandbox,
        lease_seconds=settings.worker.lease_time,
    )


def open_insights(settings: Settings) -> Insights:
    """Open the read side of the ledger; no engine is contacted. Close it with `close()`."""
    return make_insights(open_store(settings))


def make_insights(store: SqlEventStore) -> Insights:
    """Wire the read side of an open ledger, which it closes."""
    database = store.database
    return Insights(store, SqlLedgerQueries(database), lambda: SqlFeed(database))


def open_reports(settings: Settings, *, migrate: bool = True) -> Reports:
    """Open everything the dashboard reads; no engine is contacted. Close it with `close()`."""
    store = open_store(settings, migrate=migrate)
    database = store.database
    return Reports(
        insights=make_insights(store),
        fleet=Fleet(SqlFleetQueries(database), settings),
        sandboxes=SqlSandboxQueries(database),
        log=SqlLogQueries(database),
        timeline=Timeline(SqlTimelineQueries(database)),
        endings=SqlEndingQueries(database),
        operations=SqlOperationQueries(database),
        system=SqlSystemQueries(database),
        past=SqlPast(database),
        integrity=Integrity(SqlSeals(database), SqlLedgerQueries(database)),
    )


def open_past(settings: Settings, as_of: AsOf) -> Past:
    """Open the read side as of a moment, an age, or a position; close it with `close()`.

    Raise `InvalidPositionError` for a position that the log does not have.
    """
    store = open_store(settings)
    with _undone_on_error(store.close):
        return look_back(make_insights(store), SqlPast(store.database), as_of)


def open_maintenance(settings: Settings) -> Maintenance:
    """Open the database for its operator, whatever its schema; nothing is migrated yet."""
    # Imported here: the tools that compare schemas are for operators, and every worker would pay for them.
    from provider.store.maintenance import Maintenance

    return Maintenance(open_store(settings, migrate=False).database)


def open_actions(settings: Settings, *, backend: SandboxBackend | None = None) -> OperatorActions:
    """Give what carries out operators' actions. Ledger and engine are opened by the first one, and anew after a fork.

    It never sweeps by itself. Close it with `close()`: its worker, where it was needed, then leaves in order.
    """
    brief = dataclasses.replace(settings, sweeper=dataclasses.replace(settings.sweeper, enabled=False))

    def assemble() -> tuple[WorkerProcess, SqlOperatorLog]:
        store = open_store(brief)
        with _undone_on_error(store.close):
            engine = open_engine(brief, store, backend)
        return assemble_worker(brief, store, engine), SqlOperatorLog(store.database)

    return OperatorActions(OperatorWorker(assemble))


def describe_engine(settings: Settings) -> EngineDescription | None:
    """Ask the configured engine about itself; None for a backend without an engine. Never raises."""
    backend = open_backend(settings, ledger_id="")
    try:
        return backend.describe() if isinstance(backend, SupportsDescription) else None
    finally:
        backend.close()


def build_image(settings: Settings, *, from_host: bool, progress: Callable[[str], None] | None = None) -> str:
    """Build `sandbox.image` on the Docker engine and return its id.

    From this machine's own Python and busybox (`from_host`: no registry is needed), or from the Dockerfile.
    """
    from provider.backends.docker import image

    build = image.build_from_host if from_host else image.build_from_dockerfile
    return build(base_url=settings.sandbox.engine, tag=settings.sandbox.image, progress=progress)


def open_store(settings: Settings, *, migrate: bool = True) -> SqlEventStore:
    """Open the ledger; with `migrate`, an empty database gets its schema and a foreign one is refused."""
    url = settings.database.url
    if url.startswith("sqlite") and not wal_is_safe():
        logger.warning(
            "the SQLite library in use can corrupt a WAL database with several writers: journal mode stays TRUNCATE; "
            "install pysqlite3 >= 0.6.1",
            extra={"action": "open_store"},
        )
    database = open_database(url, synchronous=settings.database.synchronous)
    if migrate:
        with _undone_on_error(database.close):
            ensure_schema(database)
    return SqlEventStore(database)


def open_engine(settings: Settings, store: SqlEventStore, backend: SandboxBackend | None = None) -> GuardedEngine:
    """Wrap a backend, by default the configured one, so that no secret passes in what it says."""
    hide = functools.partial(redact, secrets=tuple(settings.sandbox.environment.values()))
    return GuardedEngine(backend if backend is not None else open_backend(settings, store.ledger_id), hide)


def open_backend(settings: Settings, ledger_id: str) -> SandboxBackend:
    """Build the configured backend; no engine is contacted yet."""
    return create_backend(settings.sandbox, ledger_id, state_directory(settings, ledger_id))


def state_directory(settings: Settings, ledger_id: str) -> Path:
    """Find where backends without an engine keep their containers: one place per ledger on this host."""
    return state_root() / ledger_id


def state_root() -> Path:
    """Find where this user's processes on this host keep what is in no database."""
    base = os.environ.get("XDG_STATE_HOME")
    root = Path(base) if base else Path.home() / ".local" / "state"
    return root / "sandbox-ledger"


@contextlib.contextmanager
def _undone_on_error(undo: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        undo()
        raise
