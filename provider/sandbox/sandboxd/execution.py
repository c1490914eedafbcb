"""Follow one command: bounded output, deadlines, and background processes that outlive it."""

from __future__ import annotations

import os
import selectors
import signal
import threading
import time

from .children import KILL_AFTER_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .children import Child

FOREVER = float("inf")
QUIET_SECONDS = 0.1  # output after the command's end counts until the pipe is quiet this long ...
LINGER_SECONDS = 1.0  # ... and no longer than this: a background process may write for ever
STOPPED_LINGER_SECONDS = 0.2  # after a timeout: the client waits 0.9 s for everything that follows it
BLOCK = 64 * 1024


class HeadAndTail:
    """The first and the last half of a byte stream, within `limit` bytes however long the stream is."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._total = 0
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, block: bytes) -> None:
        """Take the next bytes of the stream."""
        self._total += len(block)
        room = self._half - len(self._head)
        self._head += block[:room]
        self._tail += block[room:]
        if len(self._tail) > self._half + BLOCK:  # cut rarely, not at every block
            del self._tail[: -self._half]

    @property
    def left_out(self) -> int:
        """Count the bytes dropped from the middle."""
        return max(0, self._total - 2 * self._half)

    def content(self) -> bytes:
        """Give what was kept, with a line that says how much is missing."""
        marker = b"\n[... %d bytes of output left out ...]\n" % self.left_out if self.left_out else b""
        return bytes(self._head) + marker + bytes(self._tail[-self._half :])

    def text(self) -> str:
        """Decode what was kept; NUL and invalid UTF-8 are replaced."""
        return self.content().decode("utf-8", "replace").replace("\0", "\ufffd")


class Execution:
    """One running command, whose process group is stopped `hard_timeout` seconds after its start."""

    def __init__(self, child: Child, limit: int, hard_timeout: float) -> None:
        self.child = child
        self.timed_out = False
        self._started_at = time.monotonic()
        self._deadline = self._started_at + hard_timeout
        self._kill_at = self._ended_at = FOREVER
        self._selector = selectors.PollSelector()
        self._selector.register(child.ended, selectors.EVENT_READ)
        self.outputs: list[HeadAndTail] = []
        for pipe in filter(None, (child.process.stdout, child.process.stderr)):
            self.outputs.append(HeadAndTail(limit))
            self._selector.register(pipe, selectors.EVENT_READ, self.outputs[-1])

    @property
    def duration_seconds(self) -> float:
        """Tell the time from start to end, or to now."""
        return round(min(time.monotonic(), self._ended_at) - self._started_at, 6)

    def finish(self, soft_timeout: float) -> bool:
        """Follow the command to its end; False if it still runs after `soft_timeout`, and then goes on unwatched."""
        done = self._follow(self._started_at + soft_timeout)
        if self._selector.get_map():
            threading.Thread(target=self._follow_rest, daemon=True).start()
        return done

    def _follow(self, until: float) -> bool:
        while self._ended_at == FOREVER:
            now = time.monotonic()
            if now >= until:
                return False
            self._enforce_deadline(now)
            self._take_output(min(until, self._deadline, self._kill_at, now + 3600) - now)
        self._read_until_quiet()
        if self.timed_out:  # whoever ignored SIGTERM
            self.child.signal_group(signal.SIGKILL)
        return True

    def _read_until_quiet(self) -> None:
        """Take what was written before the end; whether it is all, nobody can know while a process holds the pipe."""
        until = self._ended_at + (STOPPED_LINGER_SECONDS if self.timed_out else LINGER_SECONDS)
        while self._selector.get_map() and time.monotonic() < until:
            if not self._take_output(QUIET_SECONDS):
                return

    def _enforce_deadline(self, now: float) -> None:
        if now >= self._deadline:
            self.timed_out = True
            self._deadline = FOREVER
            self._kill_at = now + KILL_AFTER_SECONDS
            self.child.signal_group(signal.SIGTERM)
        elif now >= self._kill_at:
            self._kill_at = FOREVER
            self.child.signal_group(signal.SIGKILL)

    def _take_output(self, timeout: float | None) -> bool:
        ready = self._selector.select(timeout)
        for key, _ in ready:
            block = os.read(key.fd, BLOCK)
            if block:
                key.data.add(block)
                continue
            self._selector.unregister(key.fileobj)
            if key.data is None:
                self._ended_at = time.monotonic()
                os.close(key.fd)
            else:
                key.fileobj.close()  # type: ignore[union-attr]
        return bool(ready)

    def _follow_rest(self) -> None:
        """Keep reading for what runs on: closing the pipe would kill a background process at its next line."""
        if self._ended_at == FOREVER:
            self._follow(FOREVER)
        while self._selector.get_map():
            self._take_output(None)
