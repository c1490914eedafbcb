"""Leaving in order on a signal: an opt-in, because the signals of a process belong to the application."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class ShutdownOnSignals:
    """Calls `shutdown` once on the first of these signals, then lets the signal do what it would have done before.

    The handler itself only writes a byte: it may interrupt the main thread while that holds any lock, so the work is
    done by a thread that waits from the start. A forked child does not inherit the habit.
    """

    def __init__(self, shutdown: Callable[[], None], signals: tuple[signal.Signals, ...]) -> None:
        self._shutdown = shutdown
        self._signals = signals
        self._before: dict[int, Any] = {}
        self._pid = os.getpid()
        self._done = False
        self._reader, self._writer = os.pipe()

    def install(self) -> None:
        """Take over the signals. Raise ValueError outside the main thread, as `signal.signal` does."""
        for number in self._signals:
            self._before[number] = signal.signal(number, self._handle)
        threading.Thread(target=self._wait, name="sandbox-signals", daemon=True).start()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._done or os.getpid() != self._pid:
            signal.signal(number, self._before[number])
            os.kill(os.getpid(), number)
        else:
            os.write(self._writer, bytes([number]))

    def _wait(self) -> None:
        number = os.read(self._reader, 1)[0]
        try:
            self._shutdown()
        finally:
            self._done = True
            os.kill(self._pid, number)
