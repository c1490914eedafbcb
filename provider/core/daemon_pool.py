"""A thread pool that never keeps the interpreter from ending.

The threads of `concurrent.futures` are joined at exit, so a process that forgot `shutdown()` would hang there for as
long as an engine call or a wait for capacity lasts.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

Work = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool(Executor):
    """Runs calls on up to `threads` daemon threads, which are started when they are needed."""

    def __init__(self, threads: int, name: str) -> None:
        self._limit = threads
        self._name = name
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._closed = False

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run a call soon. Raise RuntimeError after `shutdown`."""
        future: Future[R] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{self._name}: no new calls after the shutdown")
            self._unfinished += 1
            self._queue.put((future, functools.partial(fn, *args, **kwargs)))
            if len(self._threads) < min(self._unfinished, self._limit):
                thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def wait_idle(self, timeout: float) -> bool:
        """Wait until every call is done; False when that takes longer than the timeout."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._unfinished, timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; what was submitted is still done. With `wait`, return when it is. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._queue.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            _do(*work)
            with self._lock:
                self._unfinished -= 1
                if not self._unfinished:
                    self._idle.notify_all()


def _do(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it is handed to whoever asks for the result
        future.set_exception(error)
    else:
        future.set_result(result)
