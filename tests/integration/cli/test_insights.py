from __future__ import annotations

from datetime import timedelta

import pytest

from provider.cli.event_lines import follow_events
from provider.domain import decisions
from provider.domain.errors import InvalidIdError, SandboxNotFound
from provider.reading.documents import event_document, generation_document, sandbox_document
from provider.reading.insights import is_first_use
from provider.store.tables import events, generations, sandboxes
from tests.integration.cli.ledger import Ledger


def test_lists_have_live_ones_by_default_and_pages_have_no_gap_and_no_repeat(ledger: Ledger) -> None:
    ids = [ledger.start(f"thread-{n}") for n in range(7)]
    ledger.crash(ids[0])
    assert [one.sandbox_id for one in ledger.insights.each_sandbox()] == ids[:0:-1]
    assert [one.sandbox_id for one in ledger.insights.each_sandbox(["dead"])] == ids[:1]
    for size in (1, 3, 7, 8):
        assert [one.sandbox_id for one in ledger.insights.each_sandbox(None, page_size=size)] == ids[::-1]


def test_a_sandbox_is_found_by_id_thread_and_first_digits(ledger: Ledger) -> None:
    mine = ledger.start("mine", "alice", sandbox_id="abcd000000000001")
    other = ledger.start("other")
    find = ledger.insights.find
    assert [one.sandbox_id for one in (find(mine), find("abcd"), find("other"), find(other[:6])) if one] == [
        mine, mine, other, other,
    ]  # fmt: skip
    assert find("abc") is None
    assert find("abcd", shortest_prefix=8) is None
    assert find("other", "alice") is None
    with pytest.raises(SandboxNotFound, match="nobody"):
        ledger.insights.get("nobody")


def test_a_thread_goes_before_first_digits_that_look_like_it(ledger: Ledger) -> None:
    ledger.start("something", sandbox_id="cafe000000000001")
    thread = ledger.start("cafe")
    found = ledger.insights.find("cafe")
    assert found is not None
    assert found.sandbox_id == thread


def test_several_ids_with_the_same_first_digits_are_refused(ledger: Ledger) -> None:
    for last in "12":
        ledger.start(f"thread-{last}", sandbox_id=f"beef00000000000{last}")
    with pytest.raises(InvalidIdError, match="beef000000000001, beef000000000002"):
        ledger.insights.find("beef")


def test_the_ending_of_a_generation_has_its_evidence_and_what_came_after(ledger: Ledger) -> None:
    sandbox_id = ledger.start("thread")
    assert ledger.insights.find_ending(ledger.insights.get(sandbox_id)) is None
    ledger.crash(sandbox_id)
    ledger.start("thread")
    record = ledger.insights.get(sandbox_id)
    ending = ledger.insights.find_ending(record)
    assert ending is not None
    assert (ending.generation.number, ending.generation.exit_code) == (1, 137)
    assert ending.evidence is not None
    assert ending.evidence.log_tail == "bye\n"
    assert ledger.insights.find_ending(record, 2) is None
    assert ledger.insights.find_ending(record, 99) is None
    assert [one.number for one in ledger.insights.list_generations(sandbox_id)] == [1, 2]


def test_the_first_use_of_a_generation_is_known(ledger: Ledger) -> None:
    sandbox_id = ledger.start("thread")
    assert is_first_use(ledger.insights.history(sandbox_id), 1)
    ledger.append(sandbox_id, decisions.decide_release(ledger.store.load(sandbox_id), "w1"))
    ledger.append(sandbox_id, decisions.decide_hold(ledger.store.load(sandbox_id), "w2"))
    assert not is_first_use(ledger.insights.history(sandbox_id), 1)


def test_events_are_chosen_by_position_type_and_time(ledger: Ledger) -> None:
    first = ledger.start("one")
    middle = ledger.insights.head_position()
    ledger.start("two")
    read = ledger.insights.events
    assert [one.position for one in read(middle)] == list(range(middle + 1, ledger.insights.head_position() + 1))
    assert [one.event.type for one in read(0, frozenset({"SandboxReady"}))] == ["SandboxReady"] * 2
    times = [one.recorded_at for one in read()]
    start = ledger.insights.start_of
    assert start(0, times[middle]) == middle
    assert start(middle + 1, times[middle]) == middle + 1
    assert start(0, times[0] - timedelta(days=1)) == 0
    assert start(0, times[-1] + timedelta(days=1)) == len(times)
    assert [one.stream for one in ledger.insights.history(first)] == [f"sandbox:{first}"] * middle


def test_a_follower_sees_what_was_and_what_comes_until_it_is_stopped(ledger: Ledger) -> None:
    ledger.start("before")
    feed, seen = ledger.insights.feed(), []
    for recorded in follow_events(feed, 0, frozenset({"SandboxReady"})):
        seen.append(recorded.stream)
        if len(seen) == 1:
            ledger.start("after")
        else:
            feed.stop()
    assert len(set(seen)) == 2


def test_json_has_the_names_of_the_columns(ledger: Ledger) -> None:
    sandbox_id = ledger.start("thread")
    ledger.crash(sandbox_id)
    record = ledger.insights.get(sandbox_id)
    (generation,) = ledger.insights.list_generations(sandbox_id)
    assert list(sandbox_document(record)) == [column.name for column in sandboxes.columns]
    assert set(generation_document(sandbox_id, generation)) == {column.name for column in generations.columns}
    for recorded in ledger.insights.events():
        assert list(event_document(recorded)) == [column.name for column in events.columns]
