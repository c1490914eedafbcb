"""Processes known by their id only, because another process started them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.waiting import wait_until

PROC = Path("/proc")


def read_pid(pidfile: Path) -> int | None:
    """Return the id on the first line of a pid file, None when there is no such file or it is still empty."""
    try:
        return int(pidfile.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def spawn_detached(command: list[str], *, log: Path, path: str) -> int:
    """Start a program in a session of its own, which outlives this process, and return its process id."""
    append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    # Not by subprocess: it warns, which is an error here, when the program outlives what started it.
    return os.posix_spawn(
        command[0],
        command,
        {**os.environ, "PATH": path},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def wait_for_exit(pid: int, *, timeout_seconds: float) -> bool:
    """Wait until the process has ended, child or not, and say whether it did. A zombie counts as ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        return bool(poller.poll(timeout_seconds * 1000))
    finally:
        os.close(pidfd)


def end_process(pid: int, *, first: signal.Signals = signal.SIGTERM, grace_seconds: float = 10.0) -> None:
    """Ask the process to end, and kill it when it has not done so after the grace."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, first)
        if not wait_for_exit(pid, timeout_seconds=grace_seconds):
            os.kill(pid, signal.SIGKILL)
            wait_for_exit(pid, timeout_seconds=grace_seconds)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def freeze_process(pid: int) -> None:
    """Stop the process with SIGSTOP; returns when each of its threads stands still, which the signal alone does not."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: is_frozen(pid) or wait_for_exit(pid, timeout_seconds=0), what=f"process {pid} to stand still")


def is_frozen(pid: int) -> bool:
    """Tell whether SIGSTOP has stopped every thread of the process."""
    try:
        states = {_read_state(thread) for thread in (PROC / str(pid) / "task").iterdir()}
    except OSError:
        return False
    return "T" in states and states <= {"T", "Z", "X"}


def end_processes(pids: Iterable[int]) -> None:
    """Kill the processes at once and wait for them."""
    for pid in pids:
        end_process(pid, first=signal.SIGKILL)


def find_naming(directory: Path) -> list[int]:
    """Return the ids of the processes whose command line names the directory, except this process."""
    needle = os.fsencode(f"{directory}/")
    return [pid for pid in _list_pids() if pid != os.getpid() and needle in _read_command_line(pid)]


def find_children(pid: int) -> list[int]:
    """Return the ids of the direct children of a process."""
    return [child for child in _list_pids() if _read_parent(child) == pid]


def _list_pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _read_command_line(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return b""


def _read_parent(pid: int) -> int | None:
    fields = _read_stat(PROC / str(pid))
    return int(fields[1]) if fields else None


def _read_state(thread: Path) -> str:
    fields = _read_stat(thread)
    return fields[0] if fields else "X"


def _read_stat(directory: Path) -> list[str]:
    """Return state, parent and what follows of a process or thread; nothing when it is gone."""
    try:
        # The name in parentheses may hold anything, so the fields are counted from its end.
        return (directory / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
