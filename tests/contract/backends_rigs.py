"""What the backend contract needs of each engine: backends on it, and a way to crash a sandbox."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import docker

from provider.backends.docker.backend import DockerBackend
from provider.backends.process.backend import ProcessBackend
from provider.backends.process.records import ContainerDirectory
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.ports.engine import SandboxBackend
from tests.support.fake_backend import FakeBackend
from tests.support.processes import find_children, wait_for_exit

LEDGER = f"contract-{secrets.token_hex(4)}"
OTHER_LEDGER = f"other-{secrets.token_hex(4)}"


class Rig(Protocol):
    """One engine under test."""

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """Give a backend, as another worker or another installation on the same engine has it."""

    def crash(self, info: SandboxInfo) -> None:
        """Kill the sandbox with SIGKILL behind the backend's back; returns when the engine or the kernel knows."""

    def close(self) -> None:
        """Remove every sandbox of both ledgers."""


def new_spec(generation: int = 1) -> SandboxSpec:
    """Make a sandbox that no other test and no other run knows."""
    return SandboxSpec(secrets.token_hex(8), generation, user_id="alice", thread_id="thread ü 1")


class FakeRig:
    """The engine in memory."""

    def __init__(self) -> None:
        self._backend = FakeBackend(LEDGER)

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """See `Rig`."""
        return self._backend.for_ledger(ledger_id)

    def crash(self, info: SandboxInfo) -> None:
        """See `Rig`."""
        self._backend.kill(info.sandbox_id)

    def close(self) -> None:
        """See `Rig`."""


class _RealRig:
    """What real engines share."""

    def __init__(self, make: Callable[[str], SandboxBackend]) -> None:
        self._make = make
        self._opened: list[SandboxBackend] = []

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """See `Rig`."""
        self._opened.append(self._make(ledger_id))
        return self._opened[-1]

    def close(self) -> None:
        """See `Rig`."""
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
        """See `Rig`."""
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
        """See `Rig`."""
        client = docker.APIClient(self._base_url, version="auto")
        try:
            client.kill(info.container_id or "", signal.SIGKILL)
        finally:
            client.close()
