"""A backend between a worker and any engine: it counts the calls, and does on demand what engines do wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from provider.domain.containers import Discovered, Evidence, SandboxInfo, SandboxSpec
from provider.ports.engine import Liveness, SandboxBackend, SupportsReadiness
from provider.testing import Gate

Answer = TypeVar("Answer")
Moment = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class _Hold:
    gate: Gate
    sandbox_id: str | None
    moment: Moment

    def stop(self, method: str, sandbox_id: str, moment: str) -> None:
        if moment == self.moment and self.sandbox_id in {None, sandbox_id}:
            self.gate.pass_through(method)


@dataclass(slots=True)
class _Failure:
    error: Exception
    times: int
    moment: Moment = "before"


@dataclass
class Switches:
    """What the engine does wrong at the moment, and what was asked of it."""

    calls: Counter[str] = field(default_factory=Counter)
    holds: dict[str, _Hold] = field(default_factory=dict)
    failures: dict[str, _Failure] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str) -> None:
        """Count one call."""
        with self.lock:
            self.calls[method] += 1

    def fail(self, method: str, moment: Moment) -> None:
        """Raise what the method is to raise at this moment, once for each of its times."""
        with self.lock:
            failure = self.failures.get(method)
            if failure is None or failure.moment != moment or failure.times == 0:
                return
            failure.times -= 1
        raise failure.error


class _ObservedLiveness:
    def __init__(self, inner: Liveness, switches: Switches) -> None:
        self._inner = inner
        self._switches = switches

    def probe(self) -> bool | None:
        self._switches.count("probe")
        return self._inner.probe()

    def close(self) -> None:
        self._inner.close()


class ObservedBackend:
    """Any backend, observed. `calls` counts by method name, looks at the kernel as `probe`."""

    def __init__(self, inner: SandboxBackend, *, probes: bool = True) -> None:
        self._inner = inner
        self._probes = probes
        self._switches = Switches()
        self.hides_container_ids = False
        self.dies_at_once = False

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def image(self) -> str:
        return self._inner.image

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called so far (a copy)."""
        return self._switches.calls.copy()

    def hold(self, method: str, sandbox_id: str | None = None, *, moment: Moment = "before") -> Gate:
        """Hold the calls of a method (about one sandbox), before or after the engine is asked, until the gate opens."""
        gate = Gate()
        self._switches.holds[method] = _Hold(gate, sandbox_id, moment)
        return gate

    def let_pass(self, method: str) -> None:
        """Hold no further calls of a method; those that are held stay where they are."""
        del self._switches.holds[method]

    def fail(self, method: str, error: Exception, *, times: int = 10**6) -> None:
        """Let the next calls of a method raise, without reaching the engine."""
        self._switches.failures[method] = _Failure(error, times)

    def fail_after(self, method: str, error: Exception) -> None:
        """Let the next call of a method do its work on the engine, and then raise."""
        self._switches.failures[method] = _Failure(error, 1, "after")

    def heal(self) -> None:
        """Undo every `fail`."""
        self._switches.failures.clear()

    def create(self, spec: SandboxSpec) -> SandboxInfo:
        info = self._pass("create", spec.sandbox_id, lambda: self._inner.create(spec))
        return replace(info, container_id=None) if self.hides_container_ids else info

    def destroy(self, info: SandboxInfo) -> None:
        self._pass("destroy", info.sandbox_id, lambda: self._inner.destroy(info))

    def is_alive(self, info: SandboxInfo) -> bool:
        alive = self._pass("is_alive", info.sandbox_id, lambda: self._inner.is_alive(info))
        return alive and not self.dies_at_once

    def evidence(self, info: SandboxInfo) -> Evidence:
        return self._pass("evidence", info.sandbox_id, lambda: self._inner.evidence(info))

    def liveness(self, info: SandboxInfo) -> Liveness | None:
        found = self._pass("liveness", info.sandbox_id, lambda: self._inner.liveness(info)) if self._probes else None
        return None if found is None else _ObservedLiveness(found, self._switches)

    def discover(self) -> Sequence[Discovered]:
        return self._pass("discover", "", self._inner.discover)

    def list_running(self) -> Sequence[SandboxInfo]:
        return self._pass("list_running", "", self._inner.list_running)

    def close(self) -> None:
        self._inner.close()

    def _pass(self, method: str, sandbox_id: str, call: Callable[[], Answer]) -> Answer:
        self._switches.count(method)
        hold = self._switches.holds.get(method)
        if hold:
            hold.stop(method, sandbox_id, "before")
        self._switches.fail(method, "before")
        answer = call()
        self._switches.fail(method, "after")
        if hold:
            hold.stop(method, sandbox_id, "after")
        return answer


class ObservedReadyBackend(ObservedBackend):
    """The same for a backend whose sandboxes need time to come up."""

    def __init__(self, inner: SandboxBackend, *, probes: bool = True) -> None:
        super().__init__(inner, probes=probes)
        assert isinstance(inner, SupportsReadiness)
        self._wait_ready = inner.wait_ready

    def wait_ready(self, info: SandboxInfo) -> float:
        return self._pass("wait_ready", info.sandbox_id, lambda: self._wait_ready(info))


def observe(inner: SandboxBackend, *, probes: bool = True) -> ObservedBackend:
    """Put an observer before a backend; without `probes` there is no way around asking the engine."""
    kind = ObservedReadyBackend if isinstance(inner, SupportsReadiness) else ObservedBackend
    return kind(inner, probes=probes)
