"""A container engine in memory, with switches for everything that goes wrong with a real one.

Deterministic: no threads, no clock but the injected one, ids counted up. One instance may be shared by several
providers, as several workers share one engine; `close()` therefore only counts.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from provider.backends.labels import container_name, labels_for
from provider.domain.containers import SandboxInfo, SandboxSpec
from provider.domain.errors import BackendUnavailable

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
        if not self._entered.wait(timeout):
            raise TimeoutError(f"no call reached the gate within {timeout:g} s")

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
        """Return whether the fake container runs; None when closed or while `faults.blind` is set."""
        if self._closed:
            return None
        return self._engine.probe(self._container_id)

    def fileno(self) -> int:
        """Return -1: there is nothing to wait for."""
        return -1

    def close(self) -> None:
        """Stop answering."""
        self._closed = True


class FakeEngine:
    """The fake engine from the test's side: what is on it, and what goes wrong.

    `calls` counts every protocol call by name, and `probe` for the looks of its probes.
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
        """Set what the newest container of a sandbox has written."""
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
        """Make the next removals fail."""
        self.faults.destroys_to_fail = times

    def fail_create(self, stage: str = "create", times: int = 1) -> None:
        """Make the next creations fail at a stage."""
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
        if not found:
            raise LookupError(f"the fake engine has no container of sandbox {sandbox_id}")
        return max(found, key=lambda container: container.info.generation)
