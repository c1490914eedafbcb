"""The engines of the acceptance tests. A new backend is one class here and one parameter of the fixture `engine`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import docker

from provider.bootstrap.engines import open_backend, state_directory
from provider.config.settings import Settings
from provider.domain.containers import SandboxInfo
from provider.ports.engine import SandboxBackend
from provider.testing import FakeBackend
from tests.support.processes import find_children, freeze_process, wait_for_exit
from tests.support.waiting import wait_until


class AcceptanceEngine(Protocol):
    """One engine, seen from outside the library."""

    name: str

    def sandbox_settings(self) -> dict[str, Any]:
        """Give the `sandbox` section that reaches this engine."""

    def connect(self, settings: Settings, ledger_id: str) -> SandboxBackend:
        """Give a backend as a worker has it."""

    def kill(self, info: SandboxInfo, settings: Settings, ledger_id: str) -> None:
        """Kill a container with SIGKILL behind the library's back; returns when the engine knows."""


class FakeAcceptanceEngine:
    """The engine in memory: no sandbox answers there, but everything about the life cycle can be seen."""

    name = "fake"

    def __init__(self) -> None:
        self.backend = FakeBackend()

    def sandbox_settings(self) -> dict[str, Any]:
        return {"container_prefix": "sandbox"}  # as the fake engine names its containers

    def connect(self, settings: Settings, ledger_id: str) -> SandboxBackend:
        return self.backend.for_ledger(ledger_id)

    def kill(self, info: SandboxInfo, settings: Settings, ledger_id: str) -> None:
        self.backend.kill(info.sandbox_id)


class ProcessAcceptanceEngine:
    """Local processes."""

    name = "process"

    def sandbox_settings(self) -> dict[str, Any]:
        return {"backend": "process", "stop_timeout": 2}

    def connect(self, settings: Settings, ledger_id: str) -> SandboxBackend:
        return open_backend(settings, ledger_id)

    def kill(self, info: SandboxInfo, settings: Settings, ledger_id: str) -> None:
        directory = state_directory(settings, ledger_id) / info.container_name
        supervisor = int(json.loads((directory / "process.json").read_text())["pid"])
        for server in find_children(supervisor):
            os.kill(server, signal.SIGKILL)
        assert wait_for_exit(supervisor, timeout_seconds=10)


class DockerAcceptanceEngine:
    """A real Docker engine."""

    name = "docker"

    def __init__(self, base_url: str, image: str) -> None:
        self.base_url = base_url
        self.image = image

    def sandbox_settings(self) -> dict[str, Any]:
        return {
            "backend": "docker", "engine": self.base_url, "image": self.image, "stop_timeout": 1, "engine_timeout": 30,
        }  # fmt: skip

    def connect(self, settings: Settings, ledger_id: str) -> SandboxBackend:
        return open_backend(settings, ledger_id)

    def kill(self, info: SandboxInfo, settings: Settings, ledger_id: str) -> None:
        with self.client() as client:
            client.kill(info.container_id or "", "SIGKILL")
            wait_until(
                lambda: not client.inspect_container(info.container_id or "")["State"]["Running"],
                what=f"the end of {info.container_name}",
            )

    @contextlib.contextmanager
    def killed_unnoticed(self, info: SandboxInfo) -> Iterator[None]:
        """Kill the container's first process; the engine is told only at the end of the block."""
        with self.client() as client:
            pid = client.inspect_container(info.container_id or "")["State"]["Pid"]
        shim = find_parent(pid)
        freeze_process(shim)
        try:
            os.kill(pid, signal.SIGKILL)
            assert wait_for_exit(pid, timeout_seconds=10)
            yield
        finally:
            os.kill(shim, signal.SIGCONT)

    @contextlib.contextmanager
    def client(self) -> Iterator[docker.APIClient]:
        """Talk to the engine as its administrator."""
        client = docker.APIClient(self.base_url, version="auto", timeout=30)
        try:
            yield client
        finally:
            client.close()


def find_parent(pid: int) -> int:
    """Return the id of a process's parent."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("PPid:"))
