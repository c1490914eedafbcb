"""Local processes behind the `SandboxBackend` port: for machines without a container engine, and for tests.

It does NOT isolate: commands run as the worker's user, with its files and its network.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from provider.backends.pidfd import open_proven
from provider.backends.process.containers import ProcessContainer, ProcessContainers
from provider.backends.process.ending import end
from provider.backends.process.launch import LaunchError, launch_on_free_port
from provider.backends.start_up import await_ready
from provider.config.settings import SandboxSettings
from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.ports.engine import Liveness

log = logging.getLogger(__name__)


class ProcessBackend:
    """Sandboxes as local processes, each with a directory under `state_dir` that says everything about it.

    Every worker that shares `state_dir` (same machine, same pid namespace, same user) can check, destroy and adopt
    them; they outlive the worker that started them. Limits and security settings are not enforced, mounts only where
    both paths are the same. The log of a sandbox is not bounded.
    """

    name = "process"
    image = "local process (not isolated)"

    def __init__(self, settings: SandboxSettings, ledger_id: str, *, state_dir: Path) -> None:
        self._settings = settings
        self._containers = ProcessContainers(state_dir, ledger_id, settings.container_prefix)
        self._warned = threading.Event()

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Start a process and wait until it listens; on failure nothing is left behind."""
        self._warn_once()
        self._refuse_mounts(spec)
        with _asking(f"create the process of sandbox {spec.sandbox_id}"):
            container = self._containers.make(spec)
            if container is None:
                message = f"the name of generation {spec.generation} is taken in the state directory; destroy it first"
                raise SandboxStartError(spec.sandbox_id, "create", message)
            try:
                launch_on_free_port(container, spec, self._settings)
            except (LaunchError, subprocess.TimeoutExpired) as error:
                tail = self._read_log(container)
                end(container, self._settings.stop_timeout)
                raise SandboxStartError(spec.sandbox_id, "start", str(error), log_tail=tail) from error
            except BaseException:
                end(container, self._settings.stop_timeout)
                raise
        return container.info(self._settings.host)

    def wait_ready(self, info: SandboxInfo) -> float:
        """Block until the process answers its readiness check; return the seconds waited."""
        return await_ready(
            info,
            self._settings.readiness,
            still_running=lambda: self.is_alive(info),
            read_log=lambda: self.evidence(info).log_tail,
        )

    def destroy(self, info: SandboxInfo) -> None:
        """Stop the process and everything it started, then remove its directory."""
        with _asking(f"remove {info.container_name}"):
            container = self._containers.find(info)
            if container is None:
                return
            end(container, self._settings.stop_timeout)
        identity = {"action": "container_removed", "sandbox_id": info.sandbox_id}
        log.info("removed %s", info.container_name, extra=identity)

    def is_alive(self, info: SandboxInfo) -> bool:
        """Tell whether the process runs; True where there is none to check."""
        if info.container_id is None:
            return True
        with _asking(f"check {info.container_name}"):
            container = self._containers.find(info)
            return container is not None and container.is_running()

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Tell from its directory how the process ended."""
        with _asking(f"read what {info.container_name} left"):
            container = self._containers.find(info)
            if container is None:
                return Evidence(found=False)
            return container.evidence(self._settings.environment.values())

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open a kernel probe; None in the modes `watch` and `inspect`, or when the process cannot be proven."""
        if info.container_id is None or self._settings.liveness not in {"auto", "kernel"}:
            return None
        with _asking(f"probe {info.container_name}"):
            container = self._containers.find(info)
            process = container.directory.find_process() if container else None
            if process is None or not process.is_visible():
                return None
            return open_proven(process.pid, lambda _: process.is_running())

    def discover(self) -> Sequence[Discovered]:
        """List this ledger's processes on this host, running or not."""
        with _asking("list the sandboxes"):
            return [container.discovered(self._settings.host) for container in self._containers.list()]

    def list_running(self) -> Sequence[SandboxInfo]:
        """List this ledger's running processes on this host."""
        return [found.info for found in self.discover() if found.running]

    def close(self) -> None:
        """Do nothing: there is no connection, and processes stay."""

    def _read_log(self, container: ProcessContainer) -> str:
        return container.read_log(self._settings.environment.values())

    def _warn_once(self) -> None:
        if not self._warned.is_set():
            self._warned.set()
            message = "the process backend does NOT isolate: commands run as this user, with its files and network"
            log.warning(message, extra={"action": "not_isolated"})

    def _refuse_mounts(self, spec: SandboxSpec) -> None:
        for mount in self._settings.mounts:
            if mount.host_path != mount.container_path or mount.read_only:
                message = (
                    f"the process backend cannot mount {mount.host_path} at {mount.container_path}: only equal paths, "
                    "writable; change sandbox.mounts or use the docker backend"
                )
                raise SandboxStartError(spec.sandbox_id, "create", message)


@contextmanager
def _asking(doing: str) -> Iterator[None]:
    """Say `BackendUnavailable` where the machine does not answer: unreadable state directory, hidden /proc."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"process backend: could not {doing}: {error!r}; check the state directory and /proc"
        raise BackendUnavailable(message) from error
