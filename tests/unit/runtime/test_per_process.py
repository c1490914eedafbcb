from __future__ import annotations

import gc
import os
import weakref

import pytest

from provider.core.per_process import PerProcess


class Opened:
    """Something that is opened, and counts its closings."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_it_is_opened_once_closed_once_and_opened_again() -> None:
    value = PerProcess(Opened, Opened.close)
    assert value.find() is None
    first = value.get()
    assert value.get() is first is value.find()
    value.close()
    value.close()
    assert first.closed == 1
    assert value.find() is None
    assert value.get() is not first


def test_a_failed_opening_is_tried_again() -> None:
    outcomes = iter([OSError("not yet"), None])

    def open_it() -> Opened:
        failure = next(outcomes)
        if failure is not None:
            raise failure
        return Opened()

    value = PerProcess(open_it, Opened.close)
    with pytest.raises(OSError, match="not yet"):
        value.get()
    assert value.get() is value.find()


def test_a_child_opens_its_own_and_keeps_the_parents_uncollected() -> None:
    value = PerProcess(Opened, Opened.close)
    parents = weakref.ref(value.get())
    child = os.fork()
    if child == 0:
        is_forgotten = value.find() is None
        is_another = value.get() is not parents()
        gc.collect()
        os._exit(0 if is_forgotten and is_another and parents() is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert value.find() is parents()
