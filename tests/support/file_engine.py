"""A container engine in a directory, shared by processes: one file per container, no process behind it.

Every step is one system call that the kernel does whole or not at all, so a worker may be killed anywhere. It is fast
enough for hundreds of runs, and has the switches that make a real engine's failures.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provider.backends.labels import container_name, find_identity, labels_for
from provider.domain.containers import Discovered, Evidence, Limits, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.ports.engine import Liveness

LEDGER = "file-ledger"


@dataclass(frozen=True, slots=True)
class FileLiveness:
    """A probe of one container's file."""

    path: Path
    container_id: str

    def probe(self) -> bool | None:
        """See whether the container's file is there and is not marked as ended."""
        record = _read(self.path)
        return record is not None and record["id"] == self.container_id and not _exit_file(self.path).exists()

    def fileno(self) -> int:
        """Say that there is nothing to wait for."""
        return -1

    def close(self) -> None:
        """Do nothing: nothing is held."""


class FileBackend:
    """The engine through the `SandboxBackend` port, with readiness. `probes=False` is the inspect mode."""

    name = "file"
    image = "file/sandbox:1"

    def __init__(self, directory: Path, *, probes: bool = True, prefix: str = "sandbox") -> None:
        self._directory = directory
        self._probes = probes
        self._prefix = prefix

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Make the container's file, unless told to fail or its name is taken."""
        if self._take_switch("fail-create"):
            raise SandboxStartError(spec.sandbox_id, "create", "refused by the file engine")
        path = self._directory / f"{container_name(self._prefix, spec)}.json"
        record = {"id": uuid.uuid4().hex, "labels": labels_for(LEDGER, spec), "at": datetime.now(UTC).isoformat()}
        draft = path.with_name(f"{record['id']}.new")
        draft.write_text(json.dumps(record))
        try:
            os.link(draft, path)
        except FileExistsError:
            raise SandboxStartError(spec.sandbox_id, "create", f"the name {path.stem} is already in use") from None
        finally:
            draft.unlink()
        return self._info(path, spec.sandbox_id, spec.generation, str(record["id"]))

    def wait_ready(self, info: SandboxInfo) -> float:
        """Say at once whether the container runs, unless told to fail."""
        if self._take_switch("fail-ready") or not self.is_alive(info):
            raise SandboxStartError(info.sandbox_id, "readiness", "the container ended before it answered")
        return 0.0

    def destroy(self, info: SandboxInfo) -> None:
        """Remove the container's file; another's or a missing one is left alone."""
        self._fail_if("fail-destroy")
        if self._find(info) is not None:
            path = self._path(info)
            path.unlink(missing_ok=True)
            _exit_file(path).unlink(missing_ok=True)

    def is_alive(self, info: SandboxInfo) -> bool:
        """Tell whether the container runs."""
        return self._find(info) is not None and not _exit_file(self._path(info)).exists()

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Tell how the container ended."""
        self._fail_if("fail-evidence")
        if self._find(info) is None:
            return Evidence(found=False)
        ended = _exit_file(self._path(info)).exists()
        return Evidence(True, exit_code=137 if ended else None, limits=Limits(pids=512), log_tail="file sandbox log\n")

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open a probe, or None in inspect mode."""
        if not self._probes or info.container_id is None:
            return None
        return FileLiveness(self._path(info), info.container_id)

    def discover(self) -> Sequence[Discovered]:
        """List the containers."""
        found = []
        for path in sorted(self._directory.glob("*.json")):
            record = _read(path)
            identity = find_identity(record["labels"], LEDGER) if record else None
            if record is not None and identity is not None:
                info, running = self._info(path, *identity, record["id"]), not _exit_file(path).exists()
                found.append(Discovered(info, running, datetime.fromisoformat(record["at"]), record["labels"]))
        return found

    def list_running(self) -> Sequence[SandboxInfo]:
        """List the running containers."""
        return [found.info for found in self.discover() if found.running]

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def kill(self, sandbox_id: str) -> None:
        """End all containers of a sandbox, as a crash would."""
        for info in self.list_running():
            if info.sandbox_id == sandbox_id:
                _exit_file(self._path(info)).touch()

    def switch_on(self, name: str) -> None:
        """Make the next call of a kind fail: `fail-create`, `fail-ready`, `fail-evidence` or `fail-destroy`."""
        (self._directory / name).touch()

    def _fail_if(self, switch: str) -> None:
        if self._take_switch(switch):
            raise BackendUnavailable(f"the file engine was told to {switch}")

    def _take_switch(self, name: str) -> bool:
        try:
            (self._directory / name).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, info: SandboxInfo) -> Path:
        return self._directory / f"{info.container_name}.json"

    def _info(self, path: Path, sandbox_id: str, generation: int, container_id: str) -> SandboxInfo:
        return SandboxInfo(sandbox_id, generation, container_id, path.stem, socket.gethostname(), "http://127.0.0.1:9")

    def _find(self, info: SandboxInfo) -> dict[str, Any] | None:
        record = _read(self._path(info))
        return record if record is not None and info.container_id in {None, record["id"]} else None


def _exit_file(path: Path) -> Path:
    return path.with_suffix(".exit")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None
