"""A worker process: does what it is told over a pipe, each command on a thread of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from provider import SandboxProvider, open_provider
from provider.core import faults
from provider.ports.engine import SandboxBackend
from tests.support.file_engine import FileBackend


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker process needs to know; without `containers`, the configured backend is used."""

    configuration: dict[str, Any]
    containers: str | None
    state: str

    def backend(self) -> SandboxBackend | None:
        """Give the file engine's backend, if that is what is used."""
        return FileBackend(Path(self.containers)) if self.containers is not None else None


class Program:
    """The commands."""

    def __init__(self, job: Job, provider: SandboxProvider) -> None:
        self._job = job
        self._provider = provider

    def worker_id(self) -> str:
        return self._provider.worker_id

    def acquire(self, thread_id: str, user_id: str | None = None, timeout: float | None = None) -> str:
        return self._provider.acquire(thread_id, user_id=user_id, timeout=timeout)

    def get(self, sandbox_id: str) -> int | None:
        sandbox = self._provider.get(sandbox_id)
        return None if sandbox is None else sandbox.generation

    def release(self, sandbox_id: str) -> None:
        self._provider.release(sandbox_id)

    def destroy(self, sandbox_id: str) -> None:
        self._provider.destroy(sandbox_id)

    def execute(self, sandbox_id: str, command: str) -> str:
        sandbox = self._provider.get(sandbox_id)
        assert sandbox is not None
        return sandbox.execute_command(command).output

    def sweep(self) -> dict[str, int]:
        return asdict(self._provider.sweep().counts)

    def feed_error(self) -> str | None:
        return self._provider.health().feed_error

    def feed_position(self) -> int:
        return self._provider.health().feed_position

    def shutdown(self) -> None:
        self._provider.shutdown()

    def pause_at(self, point: str) -> None:
        """Stop this process with SIGSTOP the next time it passes a point."""

        def hook(name: str) -> None:
            if name == point:
                faults.install(None)
                # To this very thread, which stops before it goes on; sent to the process, another thread may take it.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

        faults.install(hook)

    def take_turns(self, thread_id: str, rounds: int) -> list[str]:
        """Acquire, look, release, again and again; return what was wrong."""
        backend, wrong = self._job.backend(), []
        assert backend is not None
        for _ in range(rounds):
            sandbox_id = self._provider.acquire(thread_id)
            sandbox = self._provider.get(sandbox_id)
            running = {info.sandbox_id: info.generation for info in backend.list_running()}
            if sandbox is None or running.get(sandbox_id) != sandbox.generation:
                wrong.append(f"{sandbox_id}: was given {sandbox}, on the engine runs {running}")
            self._provider.release(sandbox_id)
        return wrong

    def fork(self, thread_id: str) -> dict[str, Any]:
        """Fork; the child works as a worker of its own and ends. Tell what it saw."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                sandbox_id = self._provider.acquire(thread_id)
                seen = f"{self._provider.worker_id} {sandbox_id} {self.get(sandbox_id)}"
                self._provider.shutdown()
                os.write(writer, seen.encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            worker_id, sandbox_id, generation = answer.read().split()
        os.waitpid(pid, 0)
        return {"worker_id": worker_id, "sandbox_id": sandbox_id, "generation": int(generation)}


def serve(connection: Connection, job: Job) -> None:
    """Run a worker until the pipe is closed."""
    os.environ["XDG_STATE_HOME"] = job.state
    replying = threading.Lock()

    def reply(number: int, is_good: bool, value: object) -> None:
        with replying:
            connection.send((number, is_good, value))

    def do(number: int, command: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        try:
            reply(number, True, command(*arguments))
        except Exception as error:  # noqa: BLE001 - told to whoever sent the command
            reply(number, False, (type(error).__name__, str(error)))

    provider = open_provider(job.configuration, backend=job.backend())
    provider.shutdown_on_signals()
    program = Program(job, provider)
    reply(0, True, provider.worker_id)
    while True:
        try:
            number, verb, arguments = connection.recv()
        except EOFError:
            return
        threading.Thread(target=do, args=(number, getattr(program, verb), arguments), daemon=True).start()
