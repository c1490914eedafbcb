"""The pool whose threads never keep the interpreter."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from provider.core.daemon_pool import DaemonPool

ABANDONED = """
import threading
from provider.core.daemon_pool import DaemonPool
started = threading.Event()
def hang():
    started.set()
    threading.Event().wait()
DaemonPool(2, "test").submit(hang)
started.wait()
"""


def test_it_runs_calls_at_once_up_to_its_limit_and_reuses_threads() -> None:
    pool = DaemonPool(2, "test")
    together = threading.Barrier(2)
    both = [pool.submit(together.wait, 5) for _ in range(2)]
    assert sorted(future.result(5) for future in both) == [0, 1]
    names = {pool.submit(lambda: threading.current_thread().name).result(5) for _ in range(10)}
    assert names <= {"test-0", "test-1"}
    pool.shutdown()


def test_results_errors_and_cancellation_reach_the_caller() -> None:
    pool = DaemonPool(1, "test")
    gate = threading.Event()
    held = pool.submit(gate.wait, 5)
    waiting = pool.submit(int, "7")
    cancelled = pool.submit(int, "8")
    assert cancelled.cancel()
    gate.set()
    assert (held.result(5), waiting.result(5)) == (True, 7)
    with pytest.raises(ValueError, match="x"):
        pool.submit(int, "x").result(5)
    pool.shutdown()


def test_shutdown_finishes_what_was_submitted_and_takes_no_more() -> None:
    pool = DaemonPool(1, "test")
    gate = threading.Event()
    pool.submit(gate.wait, 5)
    last = pool.submit(int, "7")
    pool.shutdown(wait=False)
    gate.set()
    pool.shutdown()
    assert last.done()
    with pytest.raises(RuntimeError, match="test"):
        pool.submit(int, "8")


def test_a_call_that_hangs_does_not_keep_the_interpreter() -> None:
    subprocess.run([sys.executable, "-c", ABANDONED], check=True, timeout=100)


def test_it_is_idle_when_all_calls_are_done_and_not_before() -> None:
    pool = DaemonPool(2, "test")
    assert pool.wait_idle(0)
    gate = threading.Event()
    pool.submit(gate.wait, 5)
    assert not pool.wait_idle(0)
    gate.set()
    assert pool.wait_idle(5)
    pool.shutdown()
