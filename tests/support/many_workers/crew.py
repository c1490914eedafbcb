"""The crew: worker processes on one ledger and one engine, and who watches them."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import docker
from sqlalchemy import text

from provider.bootstrap.engines import open_backend
from provider.bootstrap.stores import open_store
from provider.bootstrap.workers import assemble_worker
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.domain.ids import derive_sandbox_id
from provider.runtime.sweep.lost_workers import declare_lost
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.runtime.worker.process import WorkerProcess
from provider.store.engine import create_engine
from provider.store.projections.rebuild import find_differences
from tests.support.file_engine import FileBackend
from tests.support.forking import CONTEXT
from tests.support.many_workers.program import Job, serve
from tests.support.processes import find_children, is_frozen, wait_for_exit
from tests.support.waiting import wait_until

ANSWER_SECONDS = 60.0


class RemoteError(Exception):
    """A command failed in the worker; `name` is its error's class."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class RemoteWorker:
    """One worker process, seen from the test. Used by one thread."""

    def __init__(self, job: Job) -> None:
        self._connection: Connection
        self._connection, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=serve, args=(theirs, job), daemon=True)
        self._process.start()
        theirs.close()
        self._numbers = itertools.count(1)
        self._answers: dict[int, tuple[bool, Any]] = {}

    @property
    def worker_id(self) -> str:
        """Its name in the events; waits until it is up."""
        if 0 not in self._answers:
            self._receive(0)
        return str(self._answers[0][1])

    def send(self, verb: str, *arguments: object) -> int:
        """Give a command and do not wait for it."""
        number = next(self._numbers)
        self._connection.send((number, verb, arguments))
        return number

    def answer(self, number: int) -> Any:
        """Wait for a command's outcome: its value, or `RemoteError`."""
        if number not in self._answers:
            self._receive(number)
        is_good, value = self._answers[number]
        if not is_good:
            raise RemoteError(*value)
        return value

    def ask(self, verb: str, *arguments: object) -> Any:
        """Give a command and wait for its outcome."""
        return self.answer(self.send(verb, *arguments))

    def is_done(self, number: int) -> bool:
        """Tell whether a command has ended."""
        while number not in self._answers and self._connection.poll(0):
            self._take()
        return number in self._answers

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Kill it; returns when it is gone."""
        self._process.kill()
        self._process.join()

    def wait_stopped(self) -> None:
        """Wait until SIGSTOP has stopped it."""
        pid = self._process.pid
        assert pid is not None
        wait_until(lambda: is_frozen(pid), what="the worker to be stopped")

    def wait_ended(self) -> int | None:
        """Wait until it has ended; return its exit code."""
        self._process.join(ANSWER_SECONDS)
        return self._process.exitcode

    def close(self) -> None:
        """Leave nothing."""
        self.kill()
        self._connection.close()

    def _receive(self, number: int) -> None:
        while number not in self._answers:
            assert self._connection.poll(ANSWER_SECONDS), f"no answer to command {number}"
            self._take()

    def _take(self) -> None:
        number, is_good, value = self._connection.recv()
        self._answers[number] = (is_good, value)


class Ledger:
    """Plain SQL on the ledger."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)

    def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        """Ask."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def count(self, sql: str, **values: object) -> int:
        """Count."""
        return int(next(iter(self.rows(f"SELECT count(*) FROM {sql}", **values)[0].values())))

    def types(self, sandbox_id: str) -> list[str]:
        """Name a sandbox's events in order."""
        stream = f"sandbox:{sandbox_id}"
        return [r["type"] for r in self.rows("SELECT type FROM events WHERE stream = :s ORDER BY version", s=stream)]

    def data(self, sandbox_id: str, type_: str) -> list[dict[str, Any]]:
        """Read what a sandbox's events of one type say."""
        sql = "SELECT data FROM events WHERE stream = :s AND type = :t ORDER BY version"
        found = [row["data"] for row in self.rows(sql, s=f"sandbox:{sandbox_id}", t=type_)]
        return [json.loads(value) if isinstance(value, str) else value for value in found]

    def status(self, sandbox_id: str) -> str:
        """Tell a sandbox's status."""
        return str(self.rows("SELECT status FROM sandboxes WHERE sandbox_id = :id", id=sandbox_id)[0]["status"])


class Crew:
    """Workers on one ledger and one engine: `file` (no process behind a container), `process` or `docker`."""

    def __init__(self, database_url: str, directory: Path, engine: str, sandbox: dict[str, Any]) -> None:
        self.database_url = database_url
        self.ledger = Ledger(database_url)
        self.containers = FileBackend(directory / "containers")
        self._directory = directory
        self._engine = engine
        self._sandbox = sandbox
        self._workers: list[RemoteWorker] = []
        self._overseer: WorkerProcess | None = None
        (directory / "containers").mkdir()

    def configuration(
        self,
        *,
        lease: float = 30.0,
        heartbeat: float = 5.0,
        sweeper: Mapping[str, object] | None = None,
        **sandbox: object,
    ) -> dict[str, Any]:
        """Give the configuration; `sandbox` changes keys of its section. Nobody sweeps unless `sweeper` says how."""
        return {
            "sweeper": dict(sweeper) if sweeper is not None else {"enabled": False},
            "database": {"url": self.database_url},
            "worker": {"heartbeat_interval": heartbeat, "lease_time": lease},
            "sandbox": {"replicas": 1000, **self._sandbox, **sandbox},
        }

    def settings(self, **changes: Any) -> Settings:
        """Give the configuration as values."""
        return load_settings(self.configuration(**changes))

    def start_worker(self, **changes: Any) -> RemoteWorker:
        """Start a worker process without waiting for it."""
        containers = str(self._directory / "containers") if self._engine == "file" else None
        worker = RemoteWorker(Job(self.configuration(**changes), containers, str(self._directory / "state")))
        self._workers.append(worker)
        return worker

    def open_worker(self, **changes: Any) -> RemoteWorker:
        """Start a worker process; returns when it is up."""
        worker = self.start_worker(**changes)
        assert worker.worker_id
        return worker

    @contextmanager
    def on_engine(self, name: str) -> Iterator[None]:
        """Let workers that are opened inside the block use another engine."""
        usual, self._engine = self._engine, name
        try:
            yield
        finally:
            self._engine = usual

    def declare_lost(self, lease: float = 30.0) -> list[str]:
        """Look for lost workers once, as a sweep does that goes by this lease time."""
        worker = replace(self.overseer().worker, lease_seconds=lease)
        return declare_lost(worker, worker.author("sweeper:test"))

    def overseer(self) -> WorkerProcess:
        """Give a worker of the test's own process that is not started: its store and registry serve to look on."""
        if self._overseer is None:
            settings = self.settings()
            store = open_store(settings)
            backend = self.containers if self._engine == "file" else open_backend(settings, store.ledger_id)
            self._overseer = assemble_worker(settings, store, GuardedEngine(backend))
        return self._overseer

    def silence(self, worker_id: str) -> float:
        """Tell for how long a worker has been silent by the database's clock."""
        row = self.overseer().worker.registry.find(worker_id)
        assert row is not None
        return row.silent_seconds

    def crash(self, sandbox_id: str) -> None:
        """End a sandbox's container behind everybody's back."""
        if self._engine == "file":
            self.containers.kill(sandbox_id)
            return
        if self._engine == "docker":
            self._crash_container(sandbox_id)
            return
        found = next(self._directory.glob(f"state/sandbox-ledger/*/*-{sandbox_id}-g*/process.json"))
        supervisor = int(json.loads(found.read_text())["pid"])
        for server in find_children(supervisor):
            os.kill(server, signal.SIGKILL)
        assert wait_for_exit(supervisor, timeout_seconds=10)

    def _crash_container(self, sandbox_id: str) -> None:
        running = self.overseer().worker.engine.backend.list_running()
        (container_id,) = [info.container_id for info in running if info.sandbox_id == sandbox_id]
        client = docker.APIClient(self.settings().sandbox.engine, version="auto")
        try:
            client.kill(container_id or "", signal.SIGKILL)
        finally:
            client.close()

    def close(self) -> None:
        """End all workers, remove all containers, and see that the projections still equal the log."""
        for worker in self._workers:
            worker.close()
        overseer = self.overseer()
        try:
            backend = overseer.worker.engine.backend
            for found in backend.discover():
                backend.destroy(found.info)
            store = open_store(self.settings())
            assert find_differences(store.database) == []
            store.close()
            live = self.ledger.count("sandboxes WHERE status IN ('creating', 'active', 'warm')")
            assert self.ledger.rows("SELECT live FROM ledger_head") == [{"live": live}]
        finally:
            overseer.stop()
            self.ledger.engine.dispose()


def id_of(thread_id: str, user_id: str | None = None) -> str:
    """Tell a thread's sandbox id."""
    return derive_sandbox_id(user_id, thread_id)
