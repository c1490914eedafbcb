"""Forking while this process writes to SQLite: the fork waits until no other thread is in a write transaction.

SQLite notes inside the process which locks its connections hold. A child forked in the middle of a transaction inherits
that note without the thread that would end it, and finds the database locked for ever.
"""

from __future__ import annotations

import os
import threading

LONGEST_WAIT_SECONDS = 10.0
"""No transaction here lasts that long; a fork goes on all the same, for a disk that does not answer."""


class ForkGate:
    """Writers pass it one beside the other, a fork passes it alone. Safe from any thread."""

    def __init__(self) -> None:
        self._is_installed = False
        self._changed = threading.Condition()
        self._writers: list[int] = []
        self._forks = 0

    def enter(self) -> None:
        """Begin to write; wait while a fork is under way."""
        with self._changed:
            self._changed.wait_for(lambda: not self._forks)
            self._writers.append(threading.get_ident())

    def leave(self) -> None:
        """Have written."""
        with self._changed:
            self._writers.remove(threading.get_ident())
            self._changed.notify_all()

    def install(self) -> None:
        """Let every `fork()` of this process pass the gate. Idempotent."""
        if self._is_installed:
            return
        self._is_installed = True
        os.register_at_fork(before=self._close, after_in_parent=self._open, after_in_child=self._renew)

    def _close(self) -> None:
        own = threading.get_ident()
        with self._changed:
            self._forks += 1
            # A thread that forks in its own transaction cannot wait for the end of it.
            self._changed.wait_for(lambda: all(one == own for one in self._writers), LONGEST_WAIT_SECONDS)

    def _open(self) -> None:
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()

    def _renew(self) -> None:
        self._changed = threading.Condition()
        self._writers = [one for one in self._writers if one == threading.get_ident()]
        self._forks = 0
