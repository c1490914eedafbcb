"""A container engine in memory, with switches for everything that goes wrong with a real one.

Deterministic: no threads, no clock but the injected one, ids counted up. One instance may be shared by several
providers, as several workers share one engine; `close()` therefore only counts.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from provider.backends.labels import container_name, find_identity, labels_for
from provider.domain.containers import Discovered, Evidence, Limits, SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.ports.engine import Liveness

ALL_METHODS = frozenset({"create", "destroy", "is_alive", "evidence", "liveness", "discover", "list_running"})
HANG_LIMIT_SECONDS = 30.0


@dataclass(slots=True)
class FakeContainer:
    """One container on the fake engine; tests may change it."""

    info: SandboxInfo
    labels: dict[str, str]
    created_at: datetime
    running: bool = True
    exit_code: int | None = None
    oom_killed: bool = False
    finished_at: datetime | None = None
    log_tail: str = "fake sandbox log\n"


class Gate:
    """Holds the calls of one method until the test opens it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._opened = threading.Event()

    def wait_entered(self, timeout: float = 10.0) -> None:
        """Block until a call has reached the gate."""
        assert self._entered.wait(timeout), "no call reached the gate"

    def open(self) -> None:
        """Let the held call and all later ones through."""
        self._opened.set()

    def pass_through(self, method: str) -> None:
        """Block the calling backend method; give up as an engine's deadline would."""
        self._entered.set()
        if not self._opened.wait(HANG_LIMIT_SECONDS):
            raise BackendUnavailable(f"fake engine: {method} did not answer within {HANG_LIMIT_SECONDS:g} s")


@dataclass
class Faults:
    """What the fake engine does wrong at the moment."""

    unavailable: frozenset[str] = frozenset()
    gates: dict[str, Gate] = field(default_factory=dict)
    destroys_to_fail: int = 0
    creates_to_fail: int = 0
    create_stage: str = "create"
    blind: bool = False


class FakeLiveness:
    """A probe on one fake container."""

    def __init__(self, engine: FakeEngine, container_id: str) -> None:
        self._engine = engine
        self._container_id = container_id
        self._closed = False

    def probe(self) -> bool | None:
        """Look at the fake container; None when closed or while `faults.blind` is set."""
        if self._closed:
            return None
        return self._engine.probe(self._container_id)

    def fileno(self) -> int:
        """Say that there is nothing to wait for."""
        return -1

    def close(self) -> None:
        """Stop answering."""
        self._closed = True


class FakeEngine:
    """The fake engine from the test's side: what is on it, and what goes wrong.

    `calls` counts every protocol call by name, and `probe` for the liveness looks.
    """

    def __init__(
        self,
        ledger_id: str = "test-ledger",
        *,
        probes: bool = True,
        url: str = "http://127.0.0.1:9",
        prefix: str = "sandbox",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.ledger_id = ledger_id
        self.calls: Counter[str] = Counter()
        self.faults = Faults()
        self._probes = probes
        self._url = url
        self._prefix = prefix
        self._now = now
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._containers: dict[str, FakeContainer] = {}

    def kill(self, sandbox_id: str, exit_code: int = 137, oom: bool = False) -> SandboxInfo:
        """End the newest container of a sandbox, as a crash would."""
        with self._lock:
            container = self._newest(sandbox_id)
            container.running = False
            container.exit_code = exit_code
            container.oom_killed = oom
            container.finished_at = self._now()
            return container.info

    def write_log(self, sandbox_id: str, text: str) -> None:
        """Let the newest container of a sandbox have written this."""
        with self._lock:
            self._newest(sandbox_id).log_tail = text

    def vanish(self, sandbox_id: str) -> SandboxInfo:
        """Remove the newest container of a sandbox behind the ledger's back."""
        with self._lock:
            container = self._newest(sandbox_id)
            self._containers.pop(container.info.container_id or "")
            return container.info

    def plant(
        self, spec: SandboxSpec, *, ledger_id: str | None = None, prefix: str | None = None, running: bool = True
    ) -> SandboxInfo:
        """Put a container on the engine that nobody recorded (an orphan), or that is not this backend's."""
        with self._lock:
            number = f"fake-{next(self._numbers)}"
            name = container_name(prefix or self._prefix, spec)
            info = SandboxInfo(spec.sandbox_id, spec.generation, number, name, "fake-host", self._url)
            labels = labels_for(ledger_id or self.ledger_id, spec)
            self._put(FakeContainer(info, labels, self._now(), running=running))
            return info

    def containers(self) -> list[FakeContainer]:
        """List copies of everything on the engine, foreign containers included."""
        with self._lock:
            return [replace(container) for container in self._containers.values()]

    def hang(self, method: str) -> Gate:
        """Hold all calls of a method until the returned gate is opened."""
        gate = self.faults.gates[method] = Gate()
        return gate

    def set_unavailable(self, *methods: str) -> None:
        """Make these methods raise `BackendUnavailable` (all of them when none is named) until `set_available`."""
        self.faults.unavailable = frozenset(methods) or ALL_METHODS

    def set_available(self) -> None:
        """Undo `set_unavailable`."""
        self.faults.unavailable = frozenset()

    def fail_destroy(self, times: int = 1) -> None:
        """Let the next removals fail."""
        self.faults.destroys_to_fail = times

    def fail_create(self, stage: str = "create", times: int = 1) -> None:
        """Let the next creations fail at a stage."""
        self.faults.creates_to_fail, self.faults.create_stage = times, stage

    def probe(self, container_id: str) -> bool | None:
        """Answer a `FakeLiveness`."""
        with self._lock:
            self.calls["probe"] += 1
            if self.faults.blind:
                return None
            container = self._containers.get(container_id)
            return container is not None and container.running

    def _put(self, container: FakeContainer) -> None:
        self._containers[container.info.container_id or ""] = container

    def _newest(self, sandbox_id: str) -> FakeContainer:
        found = [container for container in self._containers.values() if container.info.sandbox_id == sandbox_id]
        assert found, f"the fake engine has no container of sandbox {sandbox_id}"
        return max(found, key=lambda container: container.info.generation)


class FakeBackend(FakeEngine):
    """The fake engine through the `SandboxBackend` port.

    `probes=False` is the inspect mode: `liveness()` answers None, and lookups must ask `is_alive`.
    """

    name = "fake"
    image = "fake/sandbox:1"

    def for_ledger(self, ledger_id: str) -> FakeBackend:
        """Give another installation's view of the same engine."""
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
        """Tell whether the container runs; True where there is none to check."""
        self._enter("is_alive")
        if info.container_id is None:
            return True
        with self._lock:
            found = self._find(info)
            return found is not None and found.running

    def evidence(self, info: SandboxInfo) -> Evidence:
        """Tell what the container left behind."""
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
