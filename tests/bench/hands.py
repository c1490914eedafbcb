"""Hands: processes that do the same work at the same time, round by round, as often as the benchmark asks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.support.forking import CONTEXT

Play = Callable[..., Any]
Prepare = Callable[..., AbstractContextManager[Play]]
"""Called in the process: sets up what is not measured, gives the work of one round, and cleans up at the end."""

ANSWER_SECONDS = 120.0


class Hand:
    """One process, seen from the benchmark."""

    def __init__(self, prepare: Prepare, *arguments: object) -> None:
        self._connection, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=_serve, args=(theirs, prepare, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, *arguments: object) -> None:
        """Begin a round without waiting for it."""
        self._connection.send(arguments)

    def finish(self) -> Any:
        """Wait for the oldest round's outcome (the first one is that of the preparation)."""
        assert self._connection.poll(ANSWER_SECONDS), "a process of the benchmark does not answer"
        is_good, value = self._connection.recv()
        assert is_good, f"a process of the benchmark failed:\n{value}"
        return value

    def close(self) -> None:
        """Let it clean up and end."""
        self._connection.close()
        self._process.join(10)
        self._process.kill()
        self._process.join()


@contextmanager
def hands(prepare: Prepare, jobs: Sequence[Sequence[object]]) -> Iterator[list[Hand]]:
    """Start one process for each job; given when all are prepared, closed at the end."""
    started: list[Hand] = []
    try:
        started += [Hand(prepare, *job) for job in jobs]
        for hand in started:
            hand.finish()
        yield started
    finally:
        for hand in started:
            hand.close()


def together(chosen: Sequence[Hand], *arguments: object) -> list[Any]:
    """Play one round with these at the same time."""
    for hand in chosen:
        hand.begin(*arguments)
    return [hand.finish() for hand in chosen]


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the smallest sample that at least so many percent of them do not exceed."""
    return sorted(samples)[max(0, -int(-len(samples) * percent // 100) - 1)]


def _serve(connection: Connection, prepare: Prepare, arguments: Sequence[object]) -> None:
    logging.getLogger("provider").setLevel(logging.ERROR)
    try:
        with prepare(*arguments) as play:
            connection.send((True, None))
            while True:
                connection.send((True, play(*connection.recv())))
    except (EOFError, BrokenPipeError):
        return
    except Exception:  # noqa: BLE001 - told to the benchmark
        connection.send((False, traceback.format_exc()))
