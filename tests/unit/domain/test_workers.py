"""Workers: when one counts as gone, and what is recorded about its coming and going."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provider.domain.events import Event, WorkerLost, WorkerStarted, WorkerStopped
from provider.domain.workers import (
    WorkerRow,
    decide_worker_lost,
    decide_worker_started,
    decide_worker_stopped,
    find_end,
    has_lapsed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = 30.0
ROW = WorkerRow("w", "here", 42, NOW, NOW, None, None, silent_seconds=LEASE)
SILENT = replace(ROW, silent_seconds=LEASE + 0.001)

STARTED = WorkerStarted(worker_id="w", host="here", pid=42)
STOPPED = WorkerStopped(worker_id="w")
LOST = WorkerLost(worker_id="w", last_heartbeat_at=NOW)


def test_silence_of_a_whole_lease_is_not_yet_a_lapse() -> None:
    assert not has_lapsed(ROW, LEASE, unseen_seconds=1e9)
    assert has_lapsed(SILENT, LEASE, unseen_seconds=0)


def test_a_worker_that_has_ended_is_gone_however_fresh_its_heartbeat() -> None:
    assert has_lapsed(replace(ROW, silent_seconds=0, ended_at=NOW, ended_as="stopped"), LEASE, unseen_seconds=0)


def test_a_worker_that_is_not_registered_has_one_lease_time_to_do_so() -> None:
    assert not has_lapsed(None, LEASE, unseen_seconds=LEASE)
    assert has_lapsed(None, LEASE, unseen_seconds=LEASE + 0.001)


@pytest.mark.parametrize(
    ("stream", "starts", "stops"),
    [
        ([], [STARTED], []),
        ([STARTED], [], [STOPPED]),
        ([STARTED, LOST], [STARTED], []),
        ([STARTED, LOST, STARTED], [], [STOPPED]),
        ([STARTED, STOPPED], [STARTED], []),
    ],
)
def test_started_and_stopped_alternate(stream: list[Event], starts: list[Event], stops: list[Event]) -> None:
    assert decide_worker_started(stream, "w", "here", 42) == starts
    assert decide_worker_stopped(stream, "w") == stops


def test_only_a_silent_worker_that_is_there_is_declared_lost_and_once() -> None:
    assert decide_worker_lost([STARTED], SILENT, LEASE) == [LOST]
    assert decide_worker_lost([STARTED], ROW, LEASE) == []  # it beats again
    assert decide_worker_lost([STARTED, LOST], SILENT, LEASE) == []
    assert decide_worker_lost([STARTED, STOPPED], SILENT, LEASE) == []
    assert decide_worker_lost([], SILENT, LEASE) == []


@pytest.mark.parametrize(
    ("stream", "end"),
    [
        ([], None),
        ([STARTED], None),
        ([STARTED, LOST], "lost"),
        ([STARTED, STOPPED], "stopped"),
        ([STARTED, LOST, STARTED], None),
    ],
)
def test_the_last_word_tells_how_a_worker_ended(stream: list[Event], end: str | None) -> None:
    assert find_end(stream, is_silent=False) == end


def test_who_fell_silent_before_it_joined_is_lost() -> None:
    assert find_end([], is_silent=True) == "lost"
    assert find_end([STARTED], is_silent=True) is None
