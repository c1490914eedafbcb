"""The public API: one object per worker process."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from signal import Signals
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from provider.core.daemon_pool import DaemonPool
from provider.core.per_process import PerProcess
from provider.domain.errors import SandboxGone
from provider.domain.events import EndReason
from provider.domain.ids import derive_sandbox_id
from provider.runtime.backoff import clear_backoff
from provider.runtime.worker.process import WorkerProcess

if TYPE_CHECKING:
    from provider.runtime.sweep.sweep import SweepReport
    from provider.runtime.worker.jobs import JobStatus
    from provider.runtime.worker.process import Health
    from provider.sandbox.sandbox import Sandbox

P = ParamSpec("P")
R = TypeVar("R")

ENSURE_ATTEMPTS = 3
ASYNC_CALLS = 64


def _twin(
    method: Callable[Concatenate[SandboxProvider, P], R],
) -> Callable[Concatenate[SandboxProvider, P], Awaitable[R]]:
    """Make the async twin of a method: the same call on a thread of its own pool, so that it never blocks the loop."""

    @functools.wraps(method)
    async def twin(self: SandboxProvider, /, *args: P.args, **kwargs: P.kwargs) -> R:
        call = functools.partial(method, self, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._own.get().calls, call)

    twin.__doc__ = f"Do what `{method.__name__}` does, without blocking the event loop."
    return twin


class _Own:
    """What one process has of a provider: its worker, and the threads of its asynchronous calls."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.calls = DaemonPool(ASYNC_CALLS, "sandbox-async")

    def stop(self) -> None:
        """Take no more calls and leave in order."""
        self.calls.shutdown(wait=False)
        self.process.stop()


class SandboxProvider:
    """Durable sandboxes for the threads of agents. Safe from any thread; one object per worker process is enough.

    Everything is recorded in the ledger before it is done, so a restarted process finds its sandboxes again. Any method
    may raise `StoreUnavailable` (nothing is lost) and, where a container is started or removed, `BackendUnavailable`.
    """

    def __init__(self, assemble: Callable[[], WorkerProcess]) -> None:
        self._own = PerProcess(lambda: _Own(assemble()), _Own.stop)
        self._closed = False

    @property
    def worker_id(self) -> str:
        """This worker's identity, as it stands in the events."""
        return self._process.worker.worker_id

    def start(self) -> Self:
        """Register this worker and start its background threads. Called by `open_provider`.

        A forked child is a worker of its own, which registers at its first call that needs the ledger; the parent's
        connections and threads are left alone.
        """
        self._running()
        return self

    def acquire(self, thread_id: str | None = None, *, user_id: str | None = None, timeout: float | None = None) -> str:
        """Return the id of the thread's sandbox, running and held by this worker.

        The same (user, thread) always has the same id; without a thread a fresh sandbox is made. A dead container is
        replaced under the same id. `timeout` (seconds, default `sandbox.acquire_timeout`) bounds the wait for a start
        under way elsewhere. Raise `InvalidIdError`, `IdentityCollision`, or `SandboxStartError` with the
        container's last log lines.
        """
        return self._running().acquire(thread_id, user_id, timeout)

    def get(self, sandbox_id: str) -> Sandbox | None:
        """Return the sandbox, or None when the id is unknown or its container is dead (it is evicted then).

        No database and no engine is asked while the kernel proves that the container runs. When nobody can tell, the
        sandbox is returned: unknown is not dead. With `auto_restart: false` nothing is ever checked.
        """
        return self._own.get().process.lookup.find(sandbox_id) or self._running().lookup.get(sandbox_id)

    def release(self, sandbox_id: str) -> None:
        """Let go of a sandbox; when no worker holds it any more it is warm. Idempotent."""
        self._running().release(sandbox_id)

    def destroy(self, sandbox_id: str, *, reason: EndReason = "request", actor: str | None = None) -> None:
        """Take a sandbox out of use, whoever holds it, and remove its container. Idempotent.

        `actor` (`operator:<name>`) says on whose behalf. Raise `SandboxNotFound`; `BackendUnavailable` means that the
        sandbox is out of use and its removal is tried again.
        """
        process = self._running()
        process.destroy(sandbox_id, reason, process.worker.author(actor))

    def restart(self, sandbox_id: str, *, actor: str | None = None) -> Sandbox:
        """Replace the sandbox's container by a fresh one under the same id, for everyone who holds it."""
        process = self._running()
        return process.restart(sandbox_id, process.worker.author(actor))

    def clear_backoff(self, sandbox_id: str, *, actor: str | None = None) -> None:
        """End a crash-loop back-off and forgive the crashes; nothing when there is none.

        `actor` (`operator:<name>`) says on whose behalf. Raise `SandboxNotFound`.
        """
        worker = self._running().worker
        clear_backoff(worker, sandbox_id, worker.author(actor))

    def ensure(self, thread_id: str, *, user_id: str | None = None) -> Sandbox:
        """Return the thread's sandbox, alive and held by this worker: acquire, then get."""
        for _ in range(ENSURE_ATTEMPTS):
            sandbox = self.get(self.acquire(thread_id, user_id=user_id))
            if sandbox is not None:
                return sandbox
        sandbox_id = derive_sandbox_id(user_id, thread_id)
        raise SandboxGone(
            sandbox_id, f"died {ENSURE_ATTEMPTS} times right after its start; read `sandbox-ledger why {sandbox_id}`"
        )

    def sweep(self, *, dry_run: bool = False, adopt: bool = False) -> SweepReport:
        """Bring ledger and engine together now, whoever leads the scheduled sweep; with `dry_run` only plan it.

        `adopt` takes running containers over that the ledger does not know (after a restore from a backup), as far as
        there is room; else they are removed after `sweeper.orphan_grace`. What fails for one sandbox is in the report
        and tried again by the next sweep. Raise `BackendUnavailable` when the engine cannot be listed: nothing is
        evicted then.
        """
        sweep = self._running().sweep
        return sweep.dry_run(adopt=adopt) if dry_run else sweep.run(adopt=adopt)

    def list_jobs(self) -> Sequence[JobStatus]:
        """List this process's recurring jobs and how their last runs went: heartbeat, activity flush, and the sweep's.

        Those only when `sweeper.enabled` says so. `doctor` shows them for all workers of the ledger.
        """
        return self._process.list_jobs()

    def shutdown(self) -> None:
        """Release everything this worker holds, follow `sandbox.on_shutdown`, and close all connections. Idempotent."""
        if self._closed:
            return
        self._closed = True
        own = self._own.find()
        if own is not None:
            own.stop()

    def shutdown_on_signals(self, *signals: Signals) -> None:
        """Shut down in order when the process is told to end (SIGTERM, when none is named), then let it end.

        Only for the main thread, which alone may set signal handlers; raise ValueError elsewhere.
        """
        from provider.runtime.worker.signals import ShutdownOnSignals

        ShutdownOnSignals(self.shutdown, signals or (Signals.SIGTERM,)).install()

    def health(self) -> Health:
        """Return how current this process's view is: the change feed's state and position, and what it has bound."""
        return self._process.health()

    @property
    def _process(self) -> WorkerProcess:
        return self._own.get().process

    def _running(self) -> WorkerProcess:
        process = self._process
        process.start()
        return process

    acquire_async = _twin(acquire)
    get_async = _twin(get)
    release_async = _twin(release)
    destroy_async = _twin(destroy)
    sweep_async = _twin(sweep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
