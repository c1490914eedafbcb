"""A value that each process has for itself: after `fork()` a child opens its own and leaves its parent's alone."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Opened when it is first asked for, once per process. Safe from any thread.

    A failed opening raises to the caller and is tried again by the next one.
    """

    def __init__(self, open_it: Callable[[], T], close_it: Callable[[T], None]) -> None:
        self._open = open_it
        self._close = close_it
        self._lock = threading.Lock()
        self._held: T | None = None
        self._inherited: list[T] = []
        _ALL.add(self)
        _renew_in_children()

    def get(self) -> T:
        """Return the value, opened now if nobody did before."""
        held = self._held
        if held is not None:
            return held
        with self._lock:
            if self._held is None:
                self._held = self._open()
            return self._held

    def find(self) -> T | None:
        """Return the value if it is open."""
        return self._held

    def close(self) -> None:
        """Close the value if it is open. Idempotent; the next `get` opens another."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            self._close(held)

    def renew(self) -> None:
        """Leave what the parent opened. Called in the child before any other code: no I/O, no inherited lock."""
        self._lock = threading.Lock()
        if self._held is not None:
            # Kept, because an inherited connection that is collected would be closed for the parent as well.
            self._inherited.append(self._held)
            self._held = None


_ALL: weakref.WeakSet[PerProcess[Any]] = weakref.WeakSet()


@functools.cache
def _renew_in_children() -> None:
    os.register_at_fork(after_in_child=_renew_all)


def _renew_all() -> None:
    for value in list(_ALL):
        value.renew()
