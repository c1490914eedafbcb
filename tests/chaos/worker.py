"""One worker process of a chaos run: it does what the seed says until it is told to stop, and notes what it saw."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provider import SandboxError, SandboxProvider, open_provider
from provider.domain.ids import derive_sandbox_id
from tests.chaos.decisions import Operation, decide_operations
from tests.chaos.rigs import SECRET_NAME, Rig
from tests.support.processes import wait_for_exit

USER = "alice"
EAT_MEMORY = 'echo 1000 > /proc/1/oom_score_adj; python3 -c \'bytearray(400_000_000).replace(b"\\0", b"x")\''
EXPECTED = (SandboxError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Job:
    """What one worker process is told."""

    rig: Rig
    seed: int
    worker: int
    life: int
    threads: int

    @property
    def name(self) -> str:
        """The process's name in its files."""
        return f"{self.worker}-{self.life}"


class Trace:
    """One line for each operation, written with one system call, so that a kill leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **line: Any) -> None:
        """Write a line."""
        os.write(self._file, json.dumps(line).encode() + b"\n")


def work(job: Job) -> None:
    """Be the worker."""
    rig, stop = job.rig, job.rig.directory / "stop"
    rig.enter()
    logging.basicConfig(filename=rig.directory / f"log-{job.name}", level=logging.INFO, force=True)
    trace = Trace(rig.directory / f"trace-{job.name}")
    decided = decide_operations(job.seed, job.worker, job.life, job.threads, docker=rig.engine is not None)
    provider: SandboxProvider | None = None
    while provider is None and not stop.exists():
        try:
            provider = open_provider(rig.settings)
        except EXPECTED as error:
            trace.write(op="open", outcome=type(error).__name__)
    while provider is not None and not stop.exists():
        _do(Hands(provider, rig, trace), next(decided))
    try:
        if provider is not None:
            provider.shutdown()
        trace.write(op="shutdown", outcome="done")
    except EXPECTED as error:
        trace.write(op="shutdown", outcome=type(error).__name__)


def _do(hands: Hands, operation: Operation) -> None:
    began = datetime.now(UTC)
    try:
        noted = ACTIONS[operation.name](hands, operation) or {}
        outcome = "done"
    except EXPECTED as error:
        noted, outcome = {"error": str(error)}, type(error).__name__
    times = {"began_at": began.isoformat(), "ended_at": datetime.now(UTC).isoformat()}
    hands.trace.write(op=operation.name, thread=operation.thread, outcome=outcome, **times, **noted)


@dataclass(frozen=True, slots=True)
class Hands:
    """What an operation works with."""

    provider: SandboxProvider
    rig: Rig
    trace: Trace


Noted = dict[str, Any] | None


def _id(operation: Operation) -> str:
    return derive_sandbox_id(USER, operation.thread)


def _acquire(hands: Hands, operation: Operation) -> Noted:
    sandbox_id = hands.provider.acquire(operation.thread, user_id=USER)
    sandbox = hands.provider.get(sandbox_id)
    if sandbox is None:
        return None
    handed = {"sandbox_id": sandbox_id, "generation": sandbox.generation, "worker_id": hands.provider.worker_id}
    return {"handed": handed}


def _exec(hands: Hands, operation: Operation, command: str | None = None) -> Noted:
    """Call a sandbox, whether this worker holds it or not; the call takes long enough to be in somebody's way."""
    sandbox = hands.provider.get(_id(operation))
    if sandbox is None:
        return None
    sandbox.execute_command(command or f"sleep {0.3 * operation.amount:.2f}; echo chaos", timeout=5)
    called = {"sandbox_id": sandbox.id, "generation": sandbox.generation, "worker_id": hands.provider.worker_id}
    return {"called": called}


def _tell_secret(hands: Hands, operation: Operation) -> Noted:
    """Have the sandbox write the secret into its own log, which becomes evidence when it crashes."""
    where = "/proc/1/fd/1" if hands.rig.engine else "/proc/$PPID/fd/1"
    return _exec(hands, operation, f'echo "${SECRET_NAME}" > {where} || true')


def _crash(hands: Hands, operation: Operation) -> Noted:
    backend = hands.rig.open_backend()
    try:
        running = [info for info in backend.list_running() if info.sandbox_id == _id(operation)]
    finally:
        backend.close()
    for info in running:
        hands.rig.crash(info)
    return {"killed": len(running)}


def _fork(hands: Hands, operation: Operation) -> Noted:
    """Fork; the child is a worker of its own, uses a sandbox and leaves."""
    child = os.fork()
    if child == 0:
        try:
            hands.provider.release(hands.provider.acquire(operation.thread, user_id=USER))
            hands.provider.shutdown()
        finally:
            os._exit(0)
    if not wait_for_exit(child, timeout_seconds=20):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _restart(hands: Hands, operation: Operation) -> Noted:
    hands.provider.restart(_id(operation))
    return None


def _sweep(hands: Hands, _: Operation) -> Noted:
    hands.provider.sweep()
    return None


def _pause(_: Hands, operation: Operation) -> Noted:
    time.sleep(0.2 * operation.amount)
    return None


ACTIONS: dict[str, Callable[[Hands, Operation], Any]] = {
    "acquire": _acquire,
    "exec": _exec,
    "release": lambda hands, operation: hands.provider.release(_id(operation)),
    "destroy": lambda hands, operation: hands.provider.destroy(_id(operation)),
    "restart": _restart,
    "crash": _crash,
    "tell_secret": _tell_secret,
    "sweep": _sweep,
    "fork": _fork,
    "oom": lambda hands, operation: _exec(hands, operation, EAT_MEMORY),
    "pause": _pause,
}
