from __future__ import annotations

import threading

from web.security.attempts import Attempts


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_the_limit_the_rest_of_the_window_is_to_be_waited() -> None:
    clock = Clock()
    attempts = Attempts(3, 60, clock=clock)
    assert [attempts.take("a") for _ in range(3)] == [0, 0, 0]
    clock.now += 20
    assert attempts.take("a") == 40
    assert attempts.take("b") == 0
    clock.now += 40
    assert attempts.take("a") == 0
    clock.now += 100
    assert [attempts.take("a") for _ in range(4)] == [0, 0, 0, 60]


def test_one_who_was_right_starts_again() -> None:
    attempts = Attempts(2, 60, clock=Clock())
    attempts.take("a")
    attempts.give_back("a")
    assert [attempts.take("a") for _ in range(3)] == [0, 0, 60]
    attempts.give_back("nobody")


def test_many_at_once_get_no_more_tries() -> None:
    attempts, waits, gate = Attempts(5, 60), list[float](), threading.Barrier(20)

    def strike() -> None:
        gate.wait(10)
        waits.append(attempts.take("a"))

    threads = [threading.Thread(target=strike) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0) == 5


def test_memory_is_bounded_and_the_quietest_is_forgotten() -> None:
    attempts = Attempts(1, 60, clock=Clock(), capacity=100)
    attempts.take("noisy")
    for number in range(1000):
        attempts.take(str(number))
        assert attempts.take("noisy") > 0
    assert len(attempts) == 100
