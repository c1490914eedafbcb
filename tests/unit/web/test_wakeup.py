from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from web.live.streams import Places
from web.live.wakeup import Wakeup


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    made = Wakeup()
    yield made
    made.close()


def test_a_bell_rung_before_or_during_the_wait_ends_it(wakeup: Wakeup) -> None:
    for _ in range(100_000):  # more than a pipe holds
        wakeup.ring()
    assert wakeup.wait(10)
    assert not wakeup.wait(0)
    ringing = threading.Timer(0.05, wakeup.ring)
    ringing.start()
    assert wakeup.wait(10)
    ringing.join()


def test_places_are_limited_and_come_back() -> None:
    places = Places(2)
    assert [places.enter(), places.enter(), places.enter()] == [True, True, False]
    places.leave()
    assert places.enter()
