"""Liveness from the kernel: a pidfd tells that a process ended before its parent, or any engine, can."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable
from typing import Any


class _Handle:
    """Owns one pidfd; closed when the last user lets go, so that a reused descriptor number is never polled."""

    __slots__ = ("fd", "poll")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.poll: Callable[[int], list[Any]] = _poller(fd)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.fd)


class PidfdLiveness:
    """A probe on one process: about a microsecond, no lock, no engine.

    Works in any thread and in a forked child. `probe` and `fileno` may race with `close`.
    """

    __slots__ = ("_handle",)

    def __init__(self, fd: int) -> None:
        """Take over the pidfd."""
        self._handle: _Handle | None = _Handle(fd)

    def probe(self) -> bool | None:
        """Tell whether the process runs; a zombie does not. None once closed."""
        handle = self._handle
        if handle is None:
            return None
        try:
            return not handle.poll(0)
        except RuntimeError:
            # A poll object serves one thread at a time; the one that meets another takes its own.
            return not _poller(handle.fd)(0)

    def fileno(self) -> int:
        """Give the pidfd, readable once the process has ended, for a selector; -1 once closed."""
        handle = self._handle
        return -1 if handle is None else handle.fd

    def close(self) -> None:
        """Let go of the pidfd."""
        self._handle = None


def open_proven(pid: int, is_the_one: Callable[[int], bool]) -> PidfdLiveness | None:
    """Open a probe on a process that `is_the_one` recognises by its pid; None where that cannot be done.

    The order is the proof: once the pidfd is open it stays with its process, so a check made after that cannot have
    looked at an older owner of the number, and a probe that still says "runs" after it cannot belong to a newer one.
    """
    fd = open_pidfd(pid)
    if fd is None:
        return None
    liveness = PidfdLiveness(fd)
    if is_the_one(pid):
        return liveness
    liveness.close()
    return None


def open_pidfd(pid: int) -> int | None:
    """Open a pidfd; None where the process is gone or the system has no such thing."""
    if pid <= 0 or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def wait_ended(fd: int, timeout: float) -> bool:
    """Wait until the process behind a pidfd has ended; False at the timeout."""
    return bool(_poller(fd)(round(timeout * 1000)))


def _poller(fd: int) -> Callable[[int], list[Any]]:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return poller.poll
