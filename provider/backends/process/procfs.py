"""What `/proc` tells about processes that other processes started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from provider.backends.pidfd import open_pidfd

MARKER = "SANDBOX_LEDGER_CONTAINER"
"""The environment variable that every process of a sandbox inherits; its value is the container id."""

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, for ever: a pid alone is used again after its process, and after a restart of the machine."""

    pid: int
    start_time: int
    boot_id: str
    pid_namespace: str

    def is_running(self) -> bool:
        """Tell whether exactly this process runs; a zombie does not."""
        return self.boot_id == read_boot_id() and _read_stat(self.pid) == self.start_time

    def is_visible(self) -> bool:
        """Tell whether this process can see that one if it runs: same boot, same pid namespace."""
        return self.boot_id == read_boot_id() and self.pid_namespace == read_pid_namespace()


def read_boot_id() -> str:
    """Return what identifies this run of the machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def read_pid_namespace() -> str:
    """Return what identifies the set of pids this process lives in."""
    return str((_PROC / "self/ns/pid").readlink())


def kill_marked(container_id: str) -> int:
    """Send SIGKILL to every process that carries the container's marker; return how many there were.

    Also finds what left the session of its parent. The pidfd is opened before the marker is read, so no other process
    can be hit.
    """
    needle = f"{MARKER}={container_id}".encode()
    return sum(_kill_if_marked(pid, needle) for pid in _list_pids())


def _kill_if_marked(pid: int, needle: bytes) -> bool:
    fd = open_pidfd(pid)
    if fd is None:
        return False
    try:
        if needle not in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            return False
        signal.pidfd_send_signal(fd, signal.SIGKILL)
    except OSError:
        return False  # ended meanwhile, or another user's and so not one of ours
    finally:
        os.close(fd)
    return True


def _list_pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def _read_stat(pid: int) -> int | None:
    """Return the start time in clock ticks; None when there is no such process or it is a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        _raise_if_hidden(pid)
        return None
    # Counted from the end of the name, which may hold anything: state is the first field, start time the 20th.
    return None if fields[0] in "ZX" else int(fields[19])


def _raise_if_hidden(pid: int) -> None:
    """Raise PermissionError where `/proc` hides a process (hidepid) that the kernel knows."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        raise
    # It exists after all: a zombie's directory may vanish between two looks.
