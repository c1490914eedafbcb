"""Find one ledger's containers on the engine; never a stranger's."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from provider.backends.docker.engine import Engine, Inspection
from provider.backends.docker.inspection import EngineHost, reached_at, read_entry
from provider.backends.labels import LEDGER, find_identity
from provider.domain.containers import Discovered, SandboxInfo
from provider.domain.errors import BackendUnavailable

log = logging.getLogger(__name__)


class Lookup:
    """Finds containers by their labels: this ledger's, and in listings only those with this name prefix."""

    def __init__(self, engine: Engine, ledger_id: str, prefix: str) -> None:
        self._engine = engine
        self._ledger_id = ledger_id
        self._prefix = prefix

    def place(self) -> EngineHost:
        """Tell where the engine's containers are."""
        return EngineHost(self._engine.host_name(), reached_at(self._engine.address))

    def find(self, info: SandboxInfo) -> Inspection | None:
        """Inspect the container that `info` means, by id or else by name; None when it is gone or a stranger's.

        Raise `BackendUnavailable` when this engine has none, and it was created on another machine.
        """
        found = self._engine.find_container(info.container_id or info.container_name)
        if found is None:
            self._require_own_host(info)
            return None
        labels = (found.get("Config") or {}).get("Labels") or {}
        if find_identity(labels, self._ledger_id) == (info.sandbox_id, info.generation):
            return found
        details = {"action": "foreign_container", "sandbox_id": info.sandbox_id}
        log.warning("container %s is not this sandbox's: left alone", info.container_name, extra=details)
        return None

    def list(self) -> Sequence[Discovered]:
        """List the containers in one engine call."""
        place = self.place()
        listed = self._engine.list_containers(f"{LEDGER}={self._ledger_id}")
        read = (read_entry(entry, self._ledger_id, self._prefix, place) for entry in listed)
        return [found for found in read if found is not None]

    def _require_own_host(self, info: SandboxInfo) -> None:
        here = self._engine.host_name()
        if info.host not in {"", here}:
            raise BackendUnavailable(
                f"sandbox {info.sandbox_id}: container {info.container_name} was created on {info.host}, but the "
                f"engine {self._engine.address} is on {here}; ask a worker there, or correct sandbox.engine"
            )
