from __future__ import annotations

from collections.abc import Sequence

import pytest

from provider.core.commit import MAX_CONFLICTS, commit
from provider.domain.errors import ConcurrencyError, VersionConflict
from provider.domain.events import Event, WorkerStopped

STOPPED = WorkerStopped(worker_id="w1")


class Counter:
    """A stream that others change `behind` times before an append to it succeeds."""

    def __init__(self, behind: int) -> None:
        self.version = 0
        self.behind = behind
        self.decided_on: list[int] = []

    def read(self) -> int:
        return self.version

    def decide(self, version: int) -> Sequence[Event]:
        self.decided_on.append(version)
        return [STOPPED]

    def append(self, version: int, events: Sequence[Event]) -> int:
        if self.behind:
            self.behind -= 1
            self.version += 1
            raise VersionConflict("moved on")
        self.version = version + len(events)
        return self.version


def test_a_lost_race_is_decided_again_on_what_is_there_now() -> None:
    stream = Counter(behind=2)
    assert commit("it", stream.read, stream.decide, stream.append) == (3, [STOPPED])
    assert stream.decided_on == [0, 1, 2]


def test_to_decide_on_nothing_appends_nothing() -> None:
    stream = Counter(behind=0)
    assert commit("it", stream.read, lambda _: [], stream.append) == (0, ())
    assert stream.version == 0


def test_a_race_lost_again_and_again_is_an_error_that_names_its_subject() -> None:
    stream = Counter(behind=MAX_CONFLICTS)
    with pytest.raises(ConcurrencyError, match=r"^sandbox 7: others changed it 50 times"):
        commit("sandbox 7", stream.read, stream.decide, stream.append)
    assert len(stream.decided_on) == MAX_CONFLICTS


def test_a_conflict_that_the_decision_itself_finds_is_not_tried_again() -> None:
    stream = Counter(behind=0)

    def refuse(version: int) -> Sequence[Event]:
        stream.decide(version)
        raise VersionConflict("not the version that was seen")

    with pytest.raises(VersionConflict, match="that was seen"):
        commit("it", stream.read, refuse, stream.append)
    assert stream.decided_on == [0]
