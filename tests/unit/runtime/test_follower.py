"""Following the log: what is over leaves the replica, and a hole in what came leaves nothing in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from provider.domain.containers import SandboxInfo
from provider.domain.events import Event, SandboxDestroyed, SandboxReady
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.runtime.replica import Binding, Replica
from provider.runtime.worker.follower import Follower
from provider.sandbox.sandbox import Sandbox

ONE, OTHER = "0123456789abcdef", "f" * 16
AT = datetime(2026, 11, 24, tzinfo=UTC)


class Feed:
    """A feed of batches that are known beforehand."""

    error: str | None = None

    def __init__(self, *batches: Sequence[RecordedEvent]) -> None:
        self.batches = batches

    def follow(self, after: int) -> Iterator[Sequence[RecordedEvent]]:
        yield from self.batches

    def stop(self) -> None:
        """Nothing is open."""


def recorded(position: int, event: Event, sandbox_id: str = OTHER) -> RecordedEvent:
    return RecordedEvent(position, sandbox_stream(sandbox_id), position, event, AT, "worker:w", "c", None, "0" * 64)


def follow(*batches: Sequence[RecordedEvent]) -> tuple[Replica, int]:
    """Follow from behind position 4, with two sandboxes bound."""
    replica = Replica()
    for sandbox_id in (ONE, OTHER):
        info = SandboxInfo(sandbox_id, 1, "c", "p", "here", "http://127.0.0.1:9")
        replica.put(Binding(info, Sandbox(sandbox_id, 1, info.url), None))
    follower = Follower(Feed(*batches), replica)
    follower.start(4)
    follower.stop()
    assert follower.error is None
    return replica, follower.position


def test_what_is_over_leaves_the_replica() -> None:
    replica, position = follow([recorded(5, SandboxReady(generation=1, startup_seconds=1))],
                               [recorded(6, SandboxDestroyed(generation=1))])  # fmt: skip
    assert [one.info.sandbox_id for one in replica.list_bindings()] == [ONE]
    assert position == 6


def test_after_a_hole_everything_is_read_again() -> None:
    """The events between went into an archive: one of them may have been the end of any sandbox."""
    replica, position = follow([recorded(7, SandboxReady(generation=1, startup_seconds=1))])
    assert replica.list_bindings() == []
    assert position == 7
