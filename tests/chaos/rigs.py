"""The engines of a chaos run from outside: settings for the workers, and a way to crash a container."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from provider.backends.process.records import ContainerDirectory
from provider.bootstrap.engines import open_backend, state_directory
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.containers import SandboxInfo
from provider.ports.engine import SandboxBackend
from tests.support.processes import find_children

REPLICAS = 4
LEASE_SECONDS = 1.5
SECRET_NAME = "CHAOS_SECRET"


@dataclass(frozen=True, slots=True)
class Rig:
    """One ledger and one engine, as plain values for worker processes."""

    directory: Path
    url: str
    secret: str
    engine: str | None = None
    """The address of a Docker engine; None for the process backend."""
    image: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that all workers share: short leases, little room."""
        sandbox: dict[str, Any] = {
            "backend": "docker" if self.engine else "process", "replicas": REPLICAS, "acquire_timeout": 5,
            "idle_timeout": 4, "stop_timeout": 0.3, "environment": {SECRET_NAME: self.secret},
            "restart_backoff": {"free": 3, "initial": 0.2, "max": 1, "window": 20, "reset_after": 5},
        }  # fmt: skip
        if self.engine:
            limits = {"memory": "64m"}
            sandbox |= {"engine": self.engine, "image": self.image, "engine_timeout": 20, "limits": limits}
            sandbox["security"] = {"user": "root"}  # what chaos does from inside needs it
        return {
            "database": {"url": self.url, "synchronous": "NORMAL"},
            "sandbox": sandbox,
            "worker": {"heartbeat_interval": 0.3, "lease_time": LEASE_SECONDS},
            "sweeper": {"interval": 1, "orphan_grace": 0},
        }

    def enter(self) -> None:
        """Keep the process backend's containers in this run's directory."""
        os.environ["XDG_STATE_HOME"] = str(self.directory / "state")

    def open_backend(self) -> SandboxBackend:
        """Open the engine as a worker sees it."""
        self.enter()
        loaded = load_settings(self.settings)
        store = open_store(loaded)
        try:
            return open_backend(loaded, store.ledger_id)
        finally:
            store.close()

    def crash(self, info: SandboxInfo) -> None:
        """Kill a container behind everybody's back; one that is gone already is fine."""
        if self.engine is not None:
            _crash_docker(self.engine, info)
            return
        directory = ContainerDirectory(self._state_directory(info) / info.container_name)
        supervisor = directory.find_process()
        for server in find_children(supervisor.pid) if supervisor is not None else ():
            try:
                os.kill(server, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _state_directory(self, info: SandboxInfo) -> Path:
        self.enter()
        base = state_directory(load_settings(self.settings), "any").parent
        return next(place.parent for place in base.glob(f"*/{info.container_name}"))


def _crash_docker(engine: str, info: SandboxInfo) -> None:
    client = docker.APIClient(engine, version="auto", timeout=20)
    try:
        client.kill(info.container_id or "", signal.SIGKILL)
    except (DockerException, OSError):
        return
    finally:
        client.close()
