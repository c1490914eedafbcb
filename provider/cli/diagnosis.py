"""What `doctor` finds: one line for each thing a ledger needs, with the way to repair it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from provider.cli.finding import Finding
from provider.cli.job_findings import report_jobs
from provider.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.ports.engine import EngineDescription

NO_ISOLATION = "the process backend does not isolate: commands run as this user, with its files and network"


def diagnose(settings: Settings) -> Sequence[Finding]:
    """Look at everything; nothing is changed and no container is started."""
    return [
        Finding("config", "ok", settings.source),
        *_check_database(settings),
        *_check_backend(settings),
        *_check_sweeper(settings),
        *_check_jobs(settings),
    ]


def _check_database(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import open_maintenance

    with closing(open_maintenance(settings)) as database:
        try:
            found = database.describe()
            yield Finding("database", "ok", f"{found.product} {found.version} at {found.url}")
            if found.wal_is_safe is not None:
                yield _check_sqlite(found.wal_is_safe, str(found.journal_mode))
            schema = database.versions()
            yield _check_schema(schema.current, schema.head)
        except StoreUnavailable as error:
            yield Finding("database", "fail", str(error))


def _check_sqlite(wal_is_safe: bool, journal_mode: str) -> Finding:
    if wal_is_safe:
        return Finding("sqlite", "ok", f"its library is safe for several writers; journal mode {journal_mode}")
    advice = "install pysqlite3 >= 0.6.1 (`pip install pysqlite3`), or use PostgreSQL"
    if journal_mode == "wal":
        return Finding("sqlite", "fail", f"this library can corrupt a WAL database with several writers: {advice}")
    return Finding("sqlite", "warn", f"its library is old, so that the journal is slow but safe; {advice}")


def _check_schema(current: str | None, head: str) -> Finding:
    if current == head:
        return Finding("schema", "ok", head)
    if current is None:
        return Finding("schema", "warn", "the database is empty; `sandbox-ledger db upgrade` or any worker fills it")
    return Finding("schema", "fail", f"{current}, but this version needs {head}; try `sandbox-ledger db upgrade`")


def _check_backend(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import describe_engine

    if settings.sandbox.backend == "process":
        yield Finding("engine", "warn", f"{NO_ISOLATION}; set sandbox.backend: docker for anything but development")
    engine = describe_engine(settings)
    if engine is not None:
        yield from _check_engine(engine, settings.sandbox.image)
    elif not hasattr(os, "pidfd_open"):
        yield Finding("liveness", "warn", "this kernel has no pidfd: dead sandboxes are noticed by asking")


def _check_engine(engine: EngineDescription, image: str) -> Iterator[Finding]:
    if not engine.reachable:
        yield Finding("engine", "fail", "; ".join(engine.errors.values()) or f"{engine.address} does not answer")
        return
    place = f"{engine.address}, host {engine.host_name}"
    yield Finding("engine", "ok", f"Docker {engine.engine_version}, API {engine.api_version}, at {place}")
    if engine.image_exists:
        yield Finding("image", "ok", image)
    elif engine.image_exists is None:
        yield Finding("image", "fail", engine.errors.get("image", "unknown"))
    else:
        advice = "run `sandbox-ledger image build`, or with --from-host where there is no registry"
        yield Finding("image", "fail", f"{image} is not on the engine; {advice}")
    if engine.kernel_liveness:
        yield Finding("liveness", "ok", "by the kernel (pidfd): dead containers are noticed at once")
    else:
        reason = engine.errors.get("kernel", "the engine is on another machine or in another pid namespace")
        yield Finding("liveness", "warn", f"not by the kernel ({reason}); the engine's events are watched instead")


def _check_sweeper(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import read_sweeper_status

    try:
        status = read_sweeper_status(settings, limit=1)
    except StoreUnavailable:
        return  # told by the lines about the database
    advice = "run `sandbox-ledger sweeper`, or a worker with sweeper.enabled"
    if not status.recent:
        yield Finding("sweeper", "warn", f"no sweep has run yet; {advice}")
        return
    last = status.recent[0]
    when = f"the last sweep began at {last.started_at:%Y-%m-%d %H:%M:%S}Z, by {last.leader}"
    leads = status.lease is not None and status.lease.seconds_left > 0
    if last.error:
        yield Finding("sweeper", "fail", f"{when}; it failed: {last.error}")
    elif leads:
        counts = last.counts
        yield Finding("sweeper", "ok", f"{when}: expected {counts.expected}, observed {counts.observed}")
    else:
        yield Finding("sweeper", "warn", f"{when}; nobody sweeps now: {advice}")


def _check_jobs(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import read_worker_jobs

    try:
        workers = read_worker_jobs(settings)
    except StoreUnavailable:
        return  # told by the lines about the database
    yield from report_jobs(workers, settings.worker.lease_time)
