"""Waiting for a condition with a deadline, instead of sleeping for a guess."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(
    look: Callable[[], Answer], *, what: str, timeout_seconds: float = 10.0, interval_seconds: float = 0.01
) -> Answer:
    """Look until the answer is truthy and return it.

    Raises TimeoutError with `what` and the last answer when the deadline passes first. The condition is looked at once
    more after the deadline, so that a machine that stood still does not fail a test.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        late = time.monotonic() >= deadline
        answer = look()
        if answer:
            return answer
        if late:
            raise TimeoutError(f"waited {timeout_seconds:g} s for {what}; last answer: {answer!r}")
        time.sleep(interval_seconds)
