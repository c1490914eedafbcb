"""What `doctor` finds: one line for each thing a ledger needs, with the way to repair it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from provider.cli.invocation import missing_file
from provider.cli.listeners import list_open_ports
from provider.config.database_url import sqlite_file
from provider.config.state import state_root
from provider.domain.errors import BackendUnavailable, StoreUnavailable
from provider.domain.wording import count_of

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.domain.verification import SchemaComparison
    from provider.domain.workers import JobRow, WorkerJobs
    from provider.ports.engine import EngineDescription

NO_ISOLATION = "the process backend does not isolate: commands run as this user, with its files and network"
OVERDUE_INTERVALS = 3.0


SHOWN_PORTS = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do."""

    subject: str
    status: Literal["ok", "warn", "fail", "unsafe"]
    message: str


def diagnose(settings: Settings) -> Sequence[Finding]:
    """Check everything; nothing is changed, and the two throw-away containers of the network's check are removed."""
    return [
        Finding("config", "ok", settings.source),
        *_list_dangers(settings),
        *_check_files(settings),
        *_check_ledger(settings),
        *_check_backend(settings),
    ]


def _list_dangers(settings: Settings) -> Iterator[Finding]:
    """Report what is allowed by name although it is unsafe."""
    from provider.config.dangers import find_dangers

    for danger in find_dangers(settings):
        yield Finding(danger.key, "unsafe", f"{danger.reason}; allowed by sandbox.security.allow_unsafe")
    if settings.sandbox.auth == "none":
        yield Finding("sandbox.auth", "unsafe", "(none): whoever reaches a sandbox's port runs commands in it")


def _check_files(settings: Settings) -> Iterator[Finding]:
    """Report files of the ledger that others on this machine may read or write."""
    file = sqlite_file(settings.database.url)
    named = [file.with_name(file.name + ending) for ending in ("", "-wal", "-shm", ".lock")] if file else []
    for path in (*named, state_root()):
        mode = path.stat().st_mode & 0o077 if path.exists() else 0
        if mode:
            right = "700" if path.is_dir() else "600"
            yield Finding("files", "warn", f"{path}: others on this machine may open it; run `chmod {right} {path}`")


def _check_listeners() -> Iterator[Finding]:
    ports = list_open_ports()
    if ports:
        shown = ", ".join(map(str, ports[:SHOWN_PORTS])) + (", ..." if len(ports) > SHOWN_PORTS else "")
        reached = f"sandboxes may reach what listens on every interface of this machine, ports {shown}"
        yield Finding("host", "warn", f"{reached}; close them to the sandboxes' network (docs/security.md)")


def _check_network(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap.engines import keeps_neighbours_apart

    if settings.sandbox.network is not None:
        name = settings.sandbox.network
        yield Finding("network", "warn", f"{name}: whether sandboxes reach each other there is up to that network")
        return
    try:
        apart = keeps_neighbours_apart(settings)
    except BackendUnavailable as error:
        yield Finding("network", "warn", f"not tried whether sandboxes reach each other: {error}")
        return
    if apart:
        yield Finding("network", "ok", "one of the ledger's own, in which no sandbox reaches another (tried)")
    else:
        advice = "the engine keeps no firewall rules; start it without --iptables=false"
        yield Finding("network", "unsafe", f"a sandbox reaches its neighbours: {advice}")


def _check_ledger(settings: Settings) -> Iterator[Finding]:
    missing = missing_file(settings)
    if missing is not None:
        yield Finding(
            "database", "warn", f"{missing} is not there yet; `sandbox-ledger db upgrade` or any worker makes it"
        )
        return
    yield from _check_database(settings)
    yield from _check_sweeper(settings)
    yield from _check_jobs(settings)
    yield from _check_seals(settings)


def _check_database(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import open_administration

    with closing(open_administration(settings)) as ledger:
        database = ledger.maintenance
        try:
            found = database.describe()
            yield Finding("database", "ok", f"{found.product} {found.version} at {found.url}")
            if found.wal_is_safe is not None:
                yield _check_sqlite(found.wal_is_safe, str(found.journal_mode))
            schema = database.versions()
            yield _check_schema(schema.current, schema.head)
            if schema.current == schema.head:
                yield _check_guards(database.compare_schema())
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


def _check_guards(compared: SchemaComparison) -> Finding:
    if compared.unchecked is not None:
        return Finding("guards", "warn", f"triggers, views and indexes were not compared: {compared.unchecked}")
    if not compared.differences:
        return Finding("guards", "ok", "tables, indexes, triggers, functions and views are as the migrations make them")
    advice = "somebody changed the schema; `sandbox-ledger verify` tells whether the log was changed too"
    return Finding("guards", "fail", f"{'; '.join(compared.differences)}: {advice}")


def _check_backend(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap.engines import describe_engine

    if settings.sandbox.backend == "process":
        yield Finding("engine", "warn", f"{NO_ISOLATION}; set sandbox.backend: docker for anything but development")
    engine = describe_engine(settings)
    if engine is not None:
        yield from _check_engine(engine, settings.sandbox.image)
        if engine.image_exists:
            yield from _check_network(settings)
        if engine.reachable and engine.address.startswith("unix:"):
            yield from _check_listeners()
    elif not hasattr(os, "pidfd_open"):
        yield Finding("liveness", "warn", "this kernel has no pidfd: dead sandboxes are noticed by asking")


def _check_engine(engine: EngineDescription, image: str) -> Iterator[Finding]:
    if not engine.reachable:
        yield Finding("engine", "fail", next(iter(engine.errors.values()), f"{engine.address} does not answer"))
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
    from provider.bootstrap import open_administration

    with closing(open_administration(settings)) as ledger:
        try:
            status = ledger.sweeper_status(limit=1)
        except StoreUnavailable:
            return  # the lines about the database report it
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
    from provider.bootstrap import open_administration

    with closing(open_administration(settings)) as ledger:
        try:
            workers = ledger.worker_jobs()
        except StoreUnavailable:
            return  # the lines about the database report it
    yield from report_jobs(workers, settings.worker.lease_time)


def _check_seals(settings: Settings) -> Iterator[Finding]:
    from provider.bootstrap import open_reports

    with closing(open_reports(settings, migrate=False)) as reports:
        try:
            breach = reports.integrity.find_breach()
        except StoreUnavailable:
            return  # told by the lines about the database
    if breach is not None:
        yield Finding("seals", "fail", f"{breach}; `sandbox-ledger verify` tells more")
    else:
        yield Finding("seals", "ok", "no seal made on this host says that the log was cut off or rewritten")


def report_jobs(workers: Sequence[WorkerJobs], lease_seconds: float) -> Iterator[Finding]:
    """Report each recurring job and each silent worker, from what the workers wrote with their last heartbeats."""
    present = [worker for worker in workers if worker.silent_seconds <= lease_seconds]
    for worker in workers:
        if worker not in present:
            silent = f"worker {worker.worker_id} has been silent for {worker.silent_seconds:.0f} s"
            yield Finding("worker", "warn", f"{silent}; the next sweep declares it lost")
    if not present:
        yield Finding("jobs", "warn", "no worker runs now, so nothing beats, flushes or sweeps")
    told: dict[str, dict[str, JobRow]] = {}
    for worker in present:
        for job in worker.jobs:
            told.setdefault(job.name, {})[worker.worker_id] = job
    for name, jobs in told.items():
        yield _report(name, jobs, lease_seconds)


def _report(name: str, jobs: Mapping[str, JobRow], lease_seconds: float) -> Finding:
    subject, every = f"job {name}", max(job.every_seconds for job in jobs.values())
    where = f"every {every:g} s, on {count_of(len(jobs), 'worker')}"
    failed = [f"{worker_id}: {job.error}" for worker_id, job in jobs.items() if job.error]
    if failed:
        return Finding(subject, "fail", f"{where}; its last run failed on {'; '.join(failed)}")
    late = [
        f"{worker_id}, {job.seconds_ago:.0f} s ago"
        for worker_id, job in jobs.items()
        if job.seconds_ago is not None and job.seconds_ago > OVERDUE_INTERVALS * job.every_seconds + lease_seconds
    ]
    if late:
        return Finding(subject, "warn", f"{where}; overdue: its last run was on {'; '.join(late)}")
    last = min((job.seconds_ago for job in jobs.values() if job.seconds_ago is not None), default=None)
    ran = (
        f"{count_of(sum(job.runs for job in jobs.values()), 'run')}, the last {last:.0f} s ago"
        if last is not None
        else "not run yet"
    )
    return Finding(subject, "ok", f"{where}; {ran}")
