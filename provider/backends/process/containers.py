"""The process sandboxes under one state directory, and what can be said about each."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provider.backends.addresses import sandbox_url
from provider.backends.labels import container_name, find_identity, labels_for
from provider.backends.process.procfs import read_boot_id
from provider.backends.process.records import ContainerDirectory, ContainerRecord
from provider.config.state import make_private_directory
from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable


@dataclass(frozen=True, slots=True)
class ProcessContainer:
    """One sandbox's directory together with its record, read once."""

    directory: ContainerDirectory
    record: ContainerRecord
    sandbox_id: str
    generation: int

    def is_meant_by(self, info: SandboxInfo) -> bool:
        """Tell whether `info` describes this container; where it has no id, its name has led here."""
        same_sandbox = (info.sandbox_id, info.generation) == (self.sandbox_id, self.generation)
        return same_sandbox and info.container_id in {None, self.record.container_id}

    def is_running(self) -> bool:
        """Tell whether its process runs; raise `BackendUnavailable` where this process could not see it."""
        process = self.directory.find_process()
        if process is None:
            return False
        if process.is_visible():
            return process.is_running()
        if process.boot_id != read_boot_id() and self.record.host == socket.gethostname():
            return False  # the machine has restarted since
        raise BackendUnavailable(
            f"sandbox {self.sandbox_id}: its process {process.pid} lives in another container or on another machine "
            f"({self.record.host}), which cannot be seen from here; ask a worker there"
        )

    def evidence(self, secrets: Iterable[str]) -> Evidence:
        """Tell how it ended."""
        ended, tail = self.directory.find_exit(), self.read_log(secrets)
        if ended is not None:
            return Evidence(True, exit_code=ended.exit_code, finished_at=ended.finished_at, log_tail=tail)
        if self.is_running():
            return Evidence(True, log_tail=tail)
        reason = "the supervisor was killed or the machine restarted; the exit code is unknown"
        return Evidence(True, engine_error=reason, log_tail=tail)

    def read_log(self, secrets: Iterable[str]) -> str:
        """Return the redacted end of the log."""
        from provider.backends.redaction import WINDOW_BYTES, log_tail  # its many patterns are compiled when it is

        raw, truncated = self.directory.read_log_end(WINDOW_BYTES)
        return log_tail(raw, secrets, truncated=truncated)

    def info(self, published_on: str) -> SandboxInfo:
        """Describe it to the port; the URL is empty while it does not listen yet."""
        port = self.directory.find_port()
        return SandboxInfo(
            sandbox_id=self.sandbox_id,
            generation=self.generation,
            container_id=self.record.container_id,
            container_name=self.directory.name,
            host=self.record.host,
            url="" if port is None else sandbox_url(published_on, port),
        )

    def discovered(self, published_on: str) -> Discovered:
        """Describe it for a listing."""
        created_at = datetime.fromisoformat(self.record.created_at)
        return Discovered(self.info(published_on), self.is_running(), created_at, self.record.labels)


class ProcessContainers:
    """Finds and makes containers of one ledger and one name prefix on this host."""

    def __init__(self, state_dir: Path, ledger_id: str, prefix: str) -> None:
        self._state_dir = state_dir.absolute()
        self._ledger_id = ledger_id
        self._prefix = prefix

    def make(self, spec: SandboxSpec) -> ProcessContainer | None:
        """Make the directory of a container to be; None when its name is taken."""
        make_private_directory(self._state_dir)
        directory = ContainerDirectory(self._state_dir / container_name(self._prefix, spec))
        record = ContainerRecord(
            container_id=f"proc-{uuid.uuid4().hex}",
            labels=labels_for(self._ledger_id, spec),
            host=socket.gethostname(),
            created_at=datetime.now(UTC).isoformat(),
        )
        return ProcessContainer(directory, record, spec.sandbox_id, spec.generation) if directory.make(record) else None

    def find(self, info: SandboxInfo) -> ProcessContainer | None:
        """Find the container that `info` means: by id, or by name where it has none. Never another's.

        Raise `BackendUnavailable` when it is missing here but was made on another host.
        """
        found = self._read(self._state_dir / Path(info.container_name).name)
        if found is not None and found.is_meant_by(info):
            return found
        if info.host not in {"", socket.gethostname()}:
            raise BackendUnavailable(
                f"sandbox {info.sandbox_id}: {info.container_name} was started on {info.host}, this is "
                f"{socket.gethostname()}; ask a worker there"
            )
        return None

    def list(self) -> Iterator[ProcessContainer]:
        """Yield the containers made on this host; what vanishes meanwhile is left out."""
        paths = sorted(self._state_dir.iterdir()) if self._state_dir.is_dir() else []
        for path in paths:
            found = None if path.name.startswith(".") else self._read(path)
            if found is None or found.record.host != socket.gethostname():
                continue
            if path.name == container_name(self._prefix, SandboxSpec(found.sandbox_id, found.generation)):
                yield found

    def _read(self, path: Path) -> ProcessContainer | None:
        directory = ContainerDirectory(path)
        record = directory.find_container()
        identity = find_identity(record.labels, self._ledger_id) if record else None
        return ProcessContainer(directory, record, *identity) if record and identity else None
