"""The fake engine as a backend: what a test gives to `open_provider(settings, backend=...)`."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from provider.backends.labels import container_name, find_identity, labels_for
from provider.domain.containers import Discovered, Evidence, Limits, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.ports.engine import Liveness
from provider.testing.fake_engine import FakeContainer, FakeEngine, FakeLiveness


class FakeBackend(FakeEngine):
    """The fake engine through the `SandboxBackend` port.

    `probes=False` is the inspect mode: `liveness()` answers None, and lookups must ask `is_alive`.
    """

    name = "fake"
    image = "fake/sandbox:1"

    def for_ledger(self, ledger_id: str) -> FakeBackend:
        """Return another installation's view of the same engine."""
        other = copy.copy(self)
        other.ledger_id = ledger_id
        return other

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        """Start a container, unless told to fail or its name is taken."""
        self._enter("create")
        name = container_name(self._prefix, spec)
        with self._lock:
            if self.faults.creates_to_fail > 0:
                self.faults.creates_to_fail -= 1
                raise SandboxStartError(spec.sandbox_id, self.faults.create_stage, "refused by the fake engine")
            if any(container.info.container_name == name for container in self._containers.values()):
                raise SandboxStartError(spec.sandbox_id, "create", f"the name {name} is already in use")
            info = SandboxInfo(
                sandbox_id=spec.sandbox_id,
                generation=spec.generation,
                container_id=f"fake-{next(self._numbers)}",
                container_name=name,
                host="fake-host",
                url=self._url,
            )
            self._put(FakeContainer(info, labels_for(self.ledger_id, spec), self._now()))
        return info

    def destroy(self, info: SandboxInfo) -> None:
        """Remove the container, unless told to fail; foreign and missing ones are left alone."""
        self._enter("destroy")
        with self._lock:
            if self.faults.destroys_to_fail > 0:
                self.faults.destroys_to_fail -= 1
                raise BackendUnavailable(f"fake engine: {info.container_name} could not be removed")
            found = self._find(info)
            if found is not None and found.info.container_id is not None:
                del self._containers[found.info.container_id]

    def is_alive(self, info: SandboxInfo) -> bool:
        """Whether the container runs; True where there is none to check."""
        self._enter("is_alive")
        if info.container_id is None:
            return True
        with self._lock:
            found = self._find(info)
            return found is not None and found.running

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Return what the container left behind."""
        self._enter("evidence")
        with self._lock:
            found = self._find(info)
            if found is None:
                return Evidence(found=False)
            return Evidence(
                found=True,
                exit_code=found.exit_code,
                oom_killed=found.oom_killed,
                finished_at=found.finished_at,
                limits=Limits(memory_bytes=1024**3, cpus=1.0, pids=512),
                log_tail=found.log_tail,
            )

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        """Open a probe, or None in inspect mode."""
        self._enter("liveness")
        if not self._probes or info.container_id is None:
            return None
        return FakeLiveness(self, info.container_id)

    def discover(self) -> Sequence[Discovered]:
        """List this ledger's containers."""
        self._enter("discover")
        return self._discover()

    def list_running(self) -> Sequence[SandboxInfo]:
        """List this ledger's running containers."""
        self._enter("list_running")
        return [found.info for found in self._discover() if found.running]

    def close(self) -> None:
        """Count; the engine outlives its users."""
        with self._lock:
            self.calls["close"] += 1

    def _enter(self, method: str) -> None:
        with self._lock:
            self.calls[method] += 1
        gate = self.faults.gates.get(method)
        if gate is not None:
            gate.pass_through(method)
        if method in self.faults.unavailable:
            raise BackendUnavailable(f"fake engine: cannot answer {method}; call set_available()")

    def _find(self, info: SandboxInfo) -> FakeContainer | None:
        for container in self._containers.values():
            same = container.info.container_id == info.container_id
            if info.container_id is None:
                same = container.info.container_name == info.container_name
            if same and find_identity(container.labels, self.ledger_id) == (info.sandbox_id, info.generation):
                return container
        return None

    def _discover(self) -> list[Discovered]:
        with self._lock:
            return [
                Discovered(container.info, container.running, container.created_at, dict(container.labels))
                for container in self._containers.values()
                if find_identity(container.labels, self.ledger_id) is not None
                and container.info.container_name.startswith(f"{self._prefix}-{container.info.sandbox_id}-g")
            ]
