"""A deployment: one database, one engine, and as many workers as a test opens on them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from provider import SandboxProvider, open_provider
from provider.bootstrap import open_administration
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.domain.containers import Discovered, SandboxInfo
from tests.support.acceptance.audit import Auditor
from tests.support.acceptance.engines import AcceptanceEngine
from tests.support.acceptance.observed import ObservedBackend, observe
from tests.support.waiting import wait_until

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker: what a process would have, and its view of the engine."""

    provider: SandboxProvider
    backend: ObservedBackend

    @property
    def worker_id(self) -> str:
        """Its name in the events."""
        return self.provider.worker_id


class Deployment:
    """One ledger on one engine. Closing it stops the workers, removes the containers and audits the ledger."""

    def __init__(self, database_url: str, engine: AcceptanceEngine) -> None:
        self.database_url = database_url
        self.engine = engine
        self.audit = Auditor(database_url)
        self.is_tampered_with = False
        self._workers: list[Worker] = []
        self._ledger_id = ""
        self._threads = ThreadPoolExecutor(16)
        # Two ledgers on one engine need two prefixes, or the same thread has the same container name in both.
        self._prefix = f"acceptance-{secrets.token_hex(4)}"

    def configuration(self, **sandbox: object) -> dict[str, Any]:
        """Give the configuration as a mapping; `sandbox` changes keys of its section."""
        section = {"container_prefix": self._prefix, "replicas": 100, **self.engine.sandbox_settings(), **sandbox}
        # Swept by hand where a test is about that: a schedule would add events at moments of its own.
        return {"database": {"url": self.database_url}, "sandbox": section, "sweeper": {"enabled": False}}

    def settings(self, **sandbox: object) -> Settings:
        """Give the configuration as values."""
        return load_settings(self.configuration(**sandbox))

    def open_worker(self, **sandbox: object) -> Worker:
        """Start a worker."""
        settings = self.settings(**sandbox)
        inner = self.engine.connect(settings, self.ledger_id)
        backend = observe(inner, probes=settings.sandbox.liveness != "inspect")
        worker = Worker(open_provider(settings, backend=backend), backend)
        self._workers.append(worker)
        return worker

    @property
    def ledger_id(self) -> str:
        """The ledger's id; an empty database gets its schema first."""
        if not self._ledger_id:
            store = open_store(self.settings())
            self._ledger_id = store.ledger_id
            store.close()
        return self._ledger_id

    def stop_workers(self) -> None:
        """Shut every worker down."""
        for worker in self._workers:
            worker.provider.shutdown()

    def containers(self) -> list[Discovered]:
        """List what of this ledger is on the engine, running or not."""
        backend = self.engine.connect(self.settings(), self.ledger_id)
        try:
            return list(backend.discover())
        finally:
            backend.close()

    def find_container(self, sandbox_id: str) -> SandboxInfo:
        """Return the only container of a sandbox."""
        (info,) = [found.info for found in self.containers() if found.info.sandbox_id == sandbox_id]
        return info

    def kill(self, sandbox_id: str) -> SandboxInfo:
        """Crash a sandbox's container behind the library's back."""
        info = self.find_container(sandbox_id)
        self.engine.kill(info, self.settings(), self.ledger_id)
        return info

    def in_background(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Make a call on another thread."""
        return self._threads.submit(call, *args, **kwargs)

    def wait_for_removals(self) -> None:
        """Wait until no container is left to be removed: its end is recorded at once, its removal in the background."""
        left = "SELECT sandbox_id, generation FROM generations WHERE ended_at IS NOT NULL AND removed_at IS NULL"
        wait_until(lambda: not self.audit.rows(left), what="the removal of all containers that have ended")

    def total_calls(self, method: str) -> int:
        """Count a method's calls over all workers."""
        return sum(worker.backend.calls[method] for worker in self._workers)

    def close(self) -> None:
        """Stop the workers, remove every container, and check the ledger unless a test has tampered with it."""
        try:
            self.stop_workers()
            if self._ledger_id and not self.is_tampered_with:
                self._check_ledger()
        finally:
            self._threads.shutdown()
            self.remove_containers()
            self.audit.close()

    def remove_containers(self) -> None:
        """Leave nothing of this ledger on the engine."""
        backend = self.engine.connect(self.settings(), self.ledger_id)
        try:
            for found in backend.discover():
                backend.destroy(found.info)
        finally:
            backend.close()

    def _check_ledger(self) -> None:
        with closing(open_administration(self.settings())) as ledger:
            assert ledger.maintenance.check().problems == ()
        assert self.audit.find_violations() == []
