"""The replica: the newest generation wins, and what has ended is not bound again."""

from __future__ import annotations

from provider.domain.containers import SandboxInfo
from provider.runtime.replica import Binding, Replica
from provider.sandbox.sandbox import Sandbox

ID = "0123456789abcdef"


class Probe:
    """A probe that tells whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def probe(self) -> bool | None:
        return None if self.closed else True

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True


def make(generation: int) -> Binding:
    info = SandboxInfo(ID, generation, f"c{generation}", f"p-{generation}", "here", "http://127.0.0.1:9")
    return Binding(info, Sandbox(ID, generation, info.url), Probe())


def test_the_newest_generation_wins_and_the_loser_is_closed() -> None:
    replica = Replica()
    first, second, late = make(1), make(2), make(1)
    assert replica.put(first) is first
    assert replica.put(second) is second
    assert replica.put(late) is second
    assert replica.find(ID) is second
    assert [binding.probe() for binding in (first, second, late)] == [None, True, None]


def test_two_bindings_of_one_generation_are_one() -> None:
    replica = Replica()
    first, other = make(1), make(1)
    replica.put(first)
    assert replica.put(other) is first
    assert (first.probe(), other.probe()) == (True, None)


def test_an_old_end_leaves_a_newer_generation_alone() -> None:
    replica = Replica()
    binding = replica.put(make(2))
    replica.drop(ID, 1)
    replica.end(ID, 1)
    assert replica.find(ID) is binding
    replica.drop(ID, 2)
    assert (replica.find(ID), binding.probe()) == (None, None)


def test_a_binding_that_comes_after_its_end_is_closed_and_not_kept() -> None:
    replica = Replica()
    replica.end(ID, 2)
    replica.end(ID, 1)  # news of an older generation do not undo it
    late = make(2)
    assert replica.put(late) is late
    assert (replica.find(ID), late.probe()) == (None, None)
    next_one = make(3)
    assert replica.put(next_one) is next_one
    assert replica.find(ID) is next_one


def test_only_ends_are_remembered_because_a_drop_may_come_before_the_start() -> None:
    replica = Replica()
    replica.drop(ID, 1)
    binding = make(1)
    replica.put(binding)
    assert replica.find(ID) is binding
