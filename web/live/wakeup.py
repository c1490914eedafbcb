"""Waiting for news."""

from __future__ import annotations

import contextlib
import os
import select


class Wakeup:
    """A bell that any thread may ring; one thread waits for it."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for descriptor in (self._reader, self._writer):
            os.set_blocking(descriptor, False)

    def ring(self) -> None:
        """End the wait, or the next one. Not after `close`."""
        with contextlib.suppress(BlockingIOError):  # full: it rings already
            os.write(self._writer, b"x")

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, or the time is over; return whether it rang."""
        poller = select.poll()
        poller.register(self._reader, select.POLLIN)
        rang = bool(poller.poll(max(0.0, seconds) * 1000))
        if rang:
            self._drain()
        return rang

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self._reader)
        os.close(self._writer)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass
