"""One ledger, the fake engine and workers of it, for the tests of the sweep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, text

from provider import SandboxProvider, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.store.coordination.leases import SqlLeases
from provider.store.coordination.sweeps import SqlSweeps
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences, rebuild
from provider.testing import FakeBackend


class SweepRig:
    """A database with a fake engine. `open` gives workers; closing audits the ledger."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock_seconds = 0.0
        self.store: SqlEventStore = open_store(self.settings())
        self.engine = FakeBackend(self.store.ledger_id, probes=False, now=self.now)
        self.sweeps = SqlSweeps(self.store.database)
        self.leases = SqlLeases(self.store.database)
        self._is_aged = False
        self._open: list[SandboxProvider] = []

    def now(self) -> datetime:
        """The engine's clock; tests may move it back to make containers old."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_seconds)

    def settings(self, *, sweeper: Mapping[str, object] | None = None, lease: float = 30.0, **sandbox: Any) -> Settings:
        return load_settings(
            {
                "database": {"url": self.url},
                "worker": {"heartbeat_interval": min(5.0, lease / 4), "lease_time": lease},
                "sandbox": {"replicas": 100, "liveness": "inspect", **sandbox},
                "sweeper": {"enabled": False, **(sweeper or {})},
            }
        )

    def open(self, **changes: Any) -> SandboxProvider:
        provider = open_provider(self.settings(**changes), backend=self.engine)
        self._open.append(provider)
        return provider

    def execute(self, sql: str, **values: object) -> None:
        with self.store.database.engine.connect() as connection:
            connection.execute(text(sql), values)

    def age(self, seconds: float) -> None:
        """Make every sandbox look unused for so long."""
        self.store.touch({row["sandbox_id"]: 0.0 for row in self.rows("SELECT sandbox_id FROM sandboxes")})
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        stored = moment.isoformat(timespec="microseconds")[:-6] + "Z" if self.is_sqlite else moment
        self.execute("UPDATE sandboxes SET last_activity_at = :moment, updated_at = :moment", moment=stored)
        self._is_aged = True

    def silence(self, worker_id: str, seconds: float) -> None:
        """Make a worker's heartbeat look so old."""
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        stored = moment.isoformat(timespec="microseconds")[:-6] + "Z" if self.is_sqlite else moment
        self.execute("UPDATE workers SET heartbeat_at = :moment WHERE worker_id = :id", moment=stored, id=worker_id)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        with self.store.database.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def types(self, sandbox_id: str) -> list[str]:
        return [recorded.event.type for recorded in self.store.read_stream(f"sandbox:{sandbox_id}")]

    def ledger_types(self) -> list[str]:
        return [recorded.event.type for recorded in self.store.read_stream("ledger")]

    def status(self, sandbox_id: str) -> str:
        return self.store.load(sandbox_id).status

    def close(self) -> None:
        for provider in self._open:
            provider.shutdown()
        if self._is_aged:
            rebuild(self.store.database)
        assert find_differences(self.store.database) == []
        self.store.close()


@contextmanager
def counted_statements(provider: SandboxProvider) -> Iterator[Callable[[], int]]:
    """Count what this thread sends to a worker's database: statements, and connections for the driver's own cursors."""
    engines = [provider._process.worker.store.database.engine, provider._process.worker.registry._database.engine]  # type: ignore[attr-defined] # noqa: SLF001
    counted: list[str] = []

    sweeping = threading.get_ident()

    def count(*_: object) -> None:
        if threading.get_ident() == sweeping:
            counted.append("asked")

    for engine in engines:
        event.listen(engine, "before_cursor_execute", count)
        event.listen(engine.pool, "checkout", count)
    try:
        yield lambda: len(counted)
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", count)
            event.remove(engine.pool, "checkout", count)
