"""Things that are opened by the first request of a process that needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from provider.core.forking import renew_after_fork

T = TypeVar("T")


class Lazily(Generic[T]):
    """One thing per process. Safe from any thread; after `fork()` a child opens its own and leaves the parent's alone.

    A failed opening raises to the caller and is tried again by the next one.
    """

    def __init__(self, open_it: Callable[[], T], close_it: Callable[[T], None]) -> None:
        self._open = open_it
        self._close = close_it
        self._lock = threading.Lock()
        self._held: T | None = None
        self._inherited: list[T] = []
        renew_after_fork(self)

    def get(self) -> T:
        """Give the thing, opened now if nobody did before."""
        held = self._held
        if held is not None:
            return held
        with self._lock:
            if self._held is None:
                self._held = self._open()
            return self._held

    def find(self) -> T | None:
        """Give the thing if it is open."""
        return self._held

    def close(self) -> None:
        """Close the thing if it is open. Idempotent; the next `get` opens another."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            self._close(held)

    def begin_anew(self) -> None:
        """Forget what the parent process opened."""
        self._lock = threading.Lock()
        if self._held is not None:
            # Kept, because an inherited connection that is collected would be closed for the parent as well.
            self._inherited.append(self._held)
            self._held = None
