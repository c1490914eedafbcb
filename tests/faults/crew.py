"""Worker processes that are struck: started, watched, stopped and woken."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from tests.support.forking import CONTEXT
from tests.support.processes import is_frozen
from tests.support.waiting import wait_until

_ASKING = threading.Lock()
"""How a process ended can be read once. Whoever starts one also asks how all others are, and may do so in between."""


def start(target: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a process."""
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    with _ASKING:
        process.start()
    return process


@contextmanager
def running(target: Callable[..., None], *arguments: Any) -> Iterator[BaseProcess]:
    """Start a process, and see that it is gone at the end."""
    process = start(target, *arguments)
    try:
        yield process
    finally:
        process.kill()
        wait_for_end(process)


def is_alive(process: BaseProcess) -> bool:
    """Tell whether the process has not ended; from any thread."""
    with _ASKING:
        return process.is_alive()


def is_stopped(process: BaseProcess) -> bool:
    """Tell whether the process is stopped by SIGSTOP."""
    return process.pid is not None and is_frozen(process.pid)


def wake(process: BaseProcess) -> None:
    """Let a stopped process go on."""
    if process.pid is not None and is_alive(process):
        os.kill(process.pid, signal.SIGCONT)


def wait_for_end(process: BaseProcess, *, timeout_seconds: float = 60.0) -> int | None:
    """Wait until the process has ended and return its exit code, -9 for SIGKILL."""
    wait_until(lambda: not is_alive(process), what="the worker's end", timeout_seconds=timeout_seconds)
    return process.exitcode
