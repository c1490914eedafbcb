"""The processes below this one: started commands, and the orphans they leave."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KILL_AFTER_SECONDS = 0.3  # between SIGTERM and SIGKILL


class Child:
    """A started process; `ended` is a pipe end that becomes readable once `exit_code` is known."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.exit_code = 0
        self.ended, self._signal = os.pipe()

    def end(self, status: int) -> None:
        """Note how it ended: its exit code, or 128 + the signal, as shells say it."""
        code = os.waitstatus_to_exitcode(status)
        self.process.returncode = code
        self.exit_code = code if code >= 0 else 128 - code
        os.close(self._signal)

    def signal_group(self, number: int) -> None:
        """Signal its whole process group, if anybody is left in it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Children:
    """All processes below this one.

    Nobody but `reap` waits for a process, and it hands each exit code to its owner: as PID 1 (or subreaper) this
    process leaves no zombie and steals no exit code from itself.
    """

    def __init__(self, as_user: dict[str, Any]) -> None:
        self._as_user = as_user
        self._lock = threading.Lock()
        self._running: dict[int, Child] = {}

    def start(self, arguments: list[str], **options: Any) -> Child:
        """Start a process in a session, and so in a process group, of its own; `options` are those of `Popen`."""
        with self._lock:  # `reap` must not meet a pid before its owner is known
            process = subprocess.Popen(arguments, bufsize=0, start_new_session=True, **self._as_user, **options)
            child = self._running[process.pid] = Child(process)
        return child

    def reap(self) -> None:
        """Collect every process that has ended."""
        with self._lock, contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                child = self._running.pop(pid, None)
                if child is not None:
                    child.end(status)

    def stop_all(self) -> None:
        """Stop every descendant, with SIGTERM and soon after SIGKILL; for the thread that reaps.

        Orphans become children of this process, so the round ends when the last descendant has.
        """
        kill_at = time.monotonic() + KILL_AFTER_SECONDS
        for pid in self._pids():
            _signal(pid, signal.SIGTERM)
        while (now := time.monotonic()) < kill_at + KILL_AFTER_SECONDS:
            self.reap()
            pids = self._pids()
            if not pids:
                return
            for pid in pids if now >= kill_at else ():
                _signal(pid, signal.SIGKILL)
            time.sleep(0.005)

    def _pids(self) -> set[int]:
        found = set(self._running)
        for thread in os.listdir("/proc/self/task"):
            # A thread may end meanwhile, and a kernel may keep no such list.
            with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/children", encoding="ascii") as listing:
                found.update(map(int, listing.read().split()))
        return found


def _signal(pid: int, number: int) -> None:
    """Signal a child and its group, if it leads one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        os.killpg(pid, number)


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, as PID 1 already is (Linux `PR_SET_CHILD_SUBREAPER`)."""
    import ctypes  # only where it is needed

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
