"""The engines that the backend contract is run over: backends on them, and a way to crash a sandbox."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import docker

from provider.backends.docker.backend import DockerBackend
from provider.backends.process.backend import ProcessBackend
from provider.backends.process.records import ContainerDirectory
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxInfo
from provider.ports.engine import SandboxBackend
from provider.testing import LEDGER, FakeBackend
from tests.support.processes import find_children, wait_for_exit


class FakeRig:
    """The engine in memory."""

    def __init__(self) -> None:
        self._backend = FakeBackend(LEDGER)

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """Implement `BackendRig`."""
        return self._backend.for_ledger(ledger_id)

    def crash(self, info: SandboxInfo) -> None:
        """Implement `BackendRig`."""
        self._backend.kill(info.sandbox_id)


class _RealRig:
    """What real engines share."""

    def __init__(self, make: Callable[[str], SandboxBackend]) -> None:
        self._make = make
        self._opened: list[SandboxBackend] = []

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """Implement `BackendRig`."""
        self._opened.append(self._make(ledger_id))
        return self._opened[-1]

    def close(self) -> None:
        """Remove every sandbox of both ledgers."""
        for backend in self._opened:
            for found in backend.discover():
                backend.destroy(found.info)
            backend.close()


class ProcessRig(_RealRig):
    """Local processes."""

    def __init__(self, state_dir: Path) -> None:
        settings = SandboxSettings(backend="process", stop_timeout=2)
        super().__init__(lambda ledger_id: ProcessBackend(settings, ledger_id, state_dir=state_dir))
        self._state_dir = state_dir

    def crash(self, info: SandboxInfo) -> None:
        """Implement `BackendRig`."""
        supervisor = ContainerDirectory(self._state_dir / info.container_name).find_process()
        assert supervisor is not None
        for server in find_children(supervisor.pid):
            os.kill(server, signal.SIGKILL)
        assert wait_for_exit(supervisor.pid, timeout_seconds=10)


class DockerRig(_RealRig):
    """A real Docker engine."""

    def __init__(self, base_url: str, image: str) -> None:
        settings = SandboxSettings(engine=base_url, image=image, stop_timeout=2, engine_timeout=60)
        super().__init__(lambda ledger_id: DockerBackend(settings, ledger_id))
        self._base_url = base_url

    def crash(self, info: SandboxInfo) -> None:
        """Implement `BackendRig`."""
        client = docker.APIClient(self._base_url, version="auto")
        try:
            client.kill(info.container_id or "", signal.SIGKILL)
        finally:
            client.close()
