"""Where a use case runs: one ledger, one file engine, and the settings that make takeover quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provider import SandboxProvider, open_provider
from provider.bootstrap.stores import open_store
from provider.bootstrap.workers import assemble_worker, open_engine
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.runtime.worker.process import WorkerProcess
from tests.support.file_engine import FileBackend

LEASE_SECONDS = 0.6
THREAD = "thread-1"
OTHER = "thread-0"


@dataclass(frozen=True, slots=True)
class Stage:
    """One case's ledger and engine."""

    url: str
    directory: Path
    probes: bool = False
    replicas: int = 2
    on_shutdown: str = "keep"
    backoff_free: int = 3
    idle_timeout: float = 0

    @property
    def backend(self) -> FileBackend:
        """A backend on the engine of this case."""
        place = self.directory / "engine"
        place.mkdir(exist_ok=True)
        return FileBackend(place, probes=self.probes)

    def open(self, on_shutdown: str | None = None) -> SandboxProvider:
        """Open a worker."""
        return open_provider(self.settings(on_shutdown), backend=self.backend)

    def open_seen(self) -> tuple[SandboxProvider, WorkerProcess]:
        """Open a worker, and give what is behind it too."""
        settings = self.settings()
        store = open_store(settings)
        process = assemble_worker(settings, store, open_engine(settings, store, self.backend))
        return SandboxProvider(lambda: process).start(), process

    def settings(self, on_shutdown: str | None = None) -> Settings:
        """Give the settings of this case."""
        settings: dict[str, Any] = {
            "database": {"url": self.url, "synchronous": "NORMAL"},
            "sandbox": {
                "backend": "process", "replicas": self.replicas, "acquire_timeout": 20,
                "idle_timeout": self.idle_timeout, "on_shutdown": on_shutdown or self.on_shutdown,
                "restart_backoff": {"free": self.backoff_free, "initial": 0.05, "max": 0.05, "window": 60},
            },
            "worker": {"heartbeat_interval": 0.1, "lease_time": LEASE_SECONDS},
            "sweeper": {"enabled": False, "orphan_grace": 0},
        }  # fmt: skip
        return load_settings(settings)
