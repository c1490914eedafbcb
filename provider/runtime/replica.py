"""The replica: this process's quick view of the sandboxes it uses. Never the truth: the ledger is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provider.domain.containers import SandboxInfo
from provider.ports.engine import Liveness, Waitable

if TYPE_CHECKING:
    from provider.sandbox.sandbox import Sandbox

REMEMBERED_ENDS = 4096
LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Binding:
    """One generation as this process uses it: the client, and the probe of its container."""

    info: SandboxInfo
    sandbox: Sandbox
    liveness: Liveness | None

    @property
    def generation(self) -> int:
        """The generation this binding is about."""
        return self.info.generation

    def probe(self) -> bool | None:
        """Whether the container runs, by the kernel or the engine's event stream; None for "ask the engine"."""
        return self.liveness.probe() if self.liveness is not None else None

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when the container ends; -1 where there is none."""
        waitable: object = self.liveness
        return waitable.fileno() if isinstance(waitable, Waitable) else -1

    def close(self) -> None:
        """Release the probe and the client's connections."""
        if self.liveness is not None:
            self.liveness.close()
        self.sandbox.close()


class Deaths:
    """The deaths this process is recording now, by sandbox, so that whoever asks for one can wait for the end of it.

    Safe from any thread; no lock is held while one is recorded.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[str, list[threading.Event]] = {}

    @contextmanager
    def recording(self, sandbox_id: str) -> Iterator[None]:
        """Count a death as being recorded until the block ends."""
        end = threading.Event()
        with self._lock:
            self._ends.setdefault(sandbox_id, []).append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends[sandbox_id].remove(end)
                if not self._ends[sandbox_id]:
                    del self._ends[sandbox_id]
            end.set()

    def wait(self, sandbox_id: str) -> None:
        """Wait until the deaths of a sandbox that are being recorded now have been; at once where there are none."""
        with self._lock:
            ends = list(self._ends.get(sandbox_id, ()))
        for end in ends:
            end.wait(LONGEST_WAIT_SECONDS)


class Replica:
    """Sandbox id to binding. Reads take no lock; the lock for writes is never held across I/O."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bindings: dict[str, Binding] = {}
        self._held: set[str] = set()
        self.deaths = Deaths()
        self._ended: dict[str, int] = {}
        self.find: Callable[[str], Binding | None] = self._bindings.get

    def put(self, binding: Binding) -> Binding:
        """Keep a binding, unless one of the same or a newer generation is there: then that one is returned.

        A binding of a generation whose end is known already came too late: it is closed and not kept.
        """
        key = binding.info.sandbox_id
        loser: Binding | None = binding
        with self._lock:
            known = self._bindings.get(key)
            if known is not None and known.generation >= binding.generation:
                winner = known
            elif self._ended.get(key, 0) >= binding.generation:
                winner = binding
            else:
                self._bindings[key] = winner = binding
                loser = known
        if loser is not None:
            loser.close()
        return winner

    def list_bindings(self) -> list[Binding]:
        """List what is bound now."""
        return list(self._bindings.values())

    def drop(self, sandbox_id: str, generation: int) -> None:
        """Forget a binding of this generation or an older one."""
        with self._lock:
            known = self._bindings.get(sandbox_id)
            if known is None or known.generation > generation:
                return
            del self._bindings[sandbox_id]
        known.close()

    def end(self, sandbox_id: str, generation: int) -> None:
        """Forget a binding of this generation or an older one, and keep none that arrives late.

        Between reading the ledger and making a binding, the feed may bring the end of what is being bound.
        """
        with self._lock:
            self._ended[sandbox_id] = max(generation, self._ended.pop(sandbox_id, 0))
            if len(self._ended) > REMEMBERED_ENDS:
                self._ended.pop(next(iter(self._ended)))
        self.drop(sandbox_id, generation)

    def hold(self, sandbox_id: str) -> None:
        """Note that this worker was given the sandbox, to claim it again should the worker be declared lost."""
        with self._lock:
            self._held.add(sandbox_id)

    def let_go(self, sandbox_id: str) -> None:
        """Note that this worker no longer wants the sandbox."""
        with self._lock:
            self._held.discard(sandbox_id)

    def is_held(self, sandbox_id: str) -> bool:
        """Whether this worker was given the sandbox and has not let it go."""
        return sandbox_id in self._held

    def list_held(self) -> list[str]:
        """List what this worker was given and has not let go."""
        with self._lock:
            return sorted(self._held)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            dropped = list(self._bindings.values())
            self._bindings.clear()
        for binding in dropped:
            binding.close()
