from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from web.live.streams import Places
from web.live.wakeup import Wakeup, Woken


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    made = Wakeup()
    yield made
    made.close()


def test_a_bell_rung_before_or_during_the_wait_ends_it(wakeup: Wakeup) -> None:
    for _ in range(100_000):  # more than a pipe holds
        wakeup.ring()
    assert wakeup.wait(10, None) is Woken.NEWS
    assert wakeup.wait(0, None) is Woken.QUIET
    ringing = threading.Timer(0.05, wakeup.ring)
    ringing.start()
    assert wakeup.wait(10, None) is Woken.NEWS
    ringing.join()


def test_a_client_that_goes_away_ends_the_wait(wakeup: Wakeup) -> None:
    here, there = socket.socketpair()
    with here:
        with there:
            assert wakeup.wait(0.01, here) is Woken.QUIET
        began = time.monotonic()
        assert wakeup.wait(10, here) is Woken.GONE
        assert time.monotonic() - began < 5
        wakeup.ring()
        assert wakeup.wait(10, here) is Woken.NEWS


def test_a_closed_connection_is_not_waited_for(wakeup: Wakeup) -> None:
    here, there = socket.socketpair()
    here.close()
    there.close()
    assert wakeup.wait(0.01, here) is Woken.QUIET


def test_places_are_limited_and_come_back() -> None:
    places = Places(2)
    assert [places.enter(), places.enter(), places.enter()] == [True, True, False]
    places.leave()
    assert places.enter()
