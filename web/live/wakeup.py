"""Waiting for news and for the end of a connection at once."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from enum import Enum, auto


class Woken(Enum):
    """Why a wait ended."""

    NEWS = auto()
    QUIET = auto()
    GONE = auto()


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

    def wait(self, seconds: float, connection: socket.socket | None) -> Woken:
        """Wait until it rings, the other end of the connection goes away, or the time is over."""
        poller = select.poll()
        poller.register(self._reader, select.POLLIN)
        if connection is not None and connection.fileno() >= 0:
            poller.register(connection, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll(max(0.0, seconds) * 1000)}
        if self._reader in ready:
            self._drain()
            return Woken.NEWS
        return Woken.GONE if ready else Woken.QUIET

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._reader)
        os.close(self._writer)

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass
