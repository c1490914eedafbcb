"""The ledger as of every position it ever had is the fold of the log up to there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from provider.bootstrap import open_past
from provider.domain import decisions
from provider.domain.errors import InvalidPositionError, SandboxNotFound
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.policy import BackoffPolicy
from provider.domain.state import Generation, SandboxState, Stamp, evolve
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.past import CHUNK, Past, record_of
from tests.integration.cli.ledger import Ledger


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = Ledger(database_url)
    yield opened
    opened.close()


def live_a_life(ledger: Ledger) -> None:
    """Leave sandboxes in every status, some untouched for long, some changed again and again."""
    first, second = ledger.start("first", "alice"), ledger.start("second")
    ledger.crash(first)
    ledger.start("first", "alice")
    third = ledger.start("third", "bob")
    load = ledger.store.load
    ledger.append(second, decisions.decide_release(load(second), "w1"))
    ledger.append(third, decisions.decide_hold(load(third), "w2"))
    ledger.append(second, decisions.decide_evict_warm(load(second)))
    ledger.append(second, decisions.decide_removed(load(second), 1, "the engine is busy"))
    fourth = ledger.start("fourth")
    ledger.append(second, decisions.decide_removed(load(second), 1, None))
    now = ledger.store.now()
    ledger.append(fourth, decisions.decide_died(load(fourth), 1, "watch", now, BackoffPolicy(free=0)))
    ledger.start("second")
    ledger.append(fourth, decisions.decide_clear_backoff(load(fourth), "operator:eve"))


def fold(events: list[RecordedEvent]) -> dict[str, tuple[SandboxState, dict[int, Generation]]]:
    """Fold a log the long way."""
    found: dict[str, tuple[SandboxState, dict[int, Generation]]] = {}
    for one in events:
        sandbox_id = one.stream.removeprefix(sandbox_stream(""))
        state, generations = found.get(sandbox_id, (SandboxState(sandbox_id=sandbox_id), {}))
        state = evolve(state, one.event, Stamp(position=one.position, recorded_at=one.recorded_at))
        found[sandbox_id] = state, {**generations, **{g.number: g for g in state.generations}}
    return found


def rows(past: Past, statuses: tuple[str, ...] | None) -> list[SandboxRecord]:
    return list(past.each_sandbox(statuses) if statuses else past.each_sandbox(None))


def test_the_fleet_at_every_position_is_the_fold_of_the_log_up_to_there(ledger: Ledger) -> None:
    live_a_life(ledger)
    log = list(ledger.store.read_all())
    statuses = set()
    for last in log:
        expected = {key: record_of(state) for key, (state, _) in fold(log[: last.position]).items()}
        past = open_past(ledger.settings, last.position)
        seen = rows(past, None)
        assert {one.sandbox_id: one for one in seen} == expected
        assert [(one.created_at, one.sandbox_id) for one in seen] == sorted(
            ((one.created_at, one.sandbox_id) for one in seen), reverse=True
        )
        for chosen in (("warm", "active"), ("evicting",), ("dead", "gone"), ("creating",)):
            assert rows(past, chosen) == [one for one in seen if one.status in chosen]
        statuses |= {one.status for one in seen}
        past.close()
    assert statuses == {"creating", "active", "warm", "dead", "evicting", "gone"}


def test_one_sandbox_then_has_the_generations_and_the_events_of_then(ledger: Ledger) -> None:
    live_a_life(ledger)
    log = list(ledger.store.read_all())
    for last in log:
        past = open_past(ledger.settings, last.position)
        for sandbox_id, (state, generations) in fold(log[: last.position]).items():
            assert past.get(sandbox_id) == record_of(state)
            assert past.list_generations(sandbox_id) == tuple(generations[n] for n in sorted(generations))
            assert [one.position for one in past.history(sandbox_id)] == [
                one.position for one in log[: last.position] if one.stream == sandbox_stream(sandbox_id)
            ]
        past.close()


def test_a_moment_has_what_was_recorded_by_then_and_not_a_microsecond_more(ledger: Ledger) -> None:
    live_a_life(ledger)
    for one in ledger.store.read_all():
        at, before = open_past(ledger.settings, one.recorded_at), one.recorded_at - timedelta(microseconds=1)
        assert at.position >= one.position
        earlier = open_past(ledger.settings, before)
        assert earlier.position < one.position
        at.close()
        earlier.close()


def test_how_a_generation_had_ended_then_says_nothing_of_what_came_later(ledger: Ledger) -> None:
    sandbox_id = ledger.start("thread")
    ledger.crash(sandbox_id)
    after_first = ledger.store.head_position()
    ledger.start("thread")
    ledger.crash(sandbox_id, exit_code=1)
    past = open_past(ledger.settings, after_first)
    ending = past.find_ending(past.get(sandbox_id))
    assert ending is not None
    assert (ending.generation.number, ending.generation.exit_code, ending.sandbox.status) == (1, 137, "dead")
    assert past.find_ending(past.get(sandbox_id), 2) is None
    past.close()


def test_before_its_first_event_a_sandbox_is_not_there_and_past_the_head_there_is_nothing(ledger: Ledger) -> None:
    ledger.start("first")
    before = ledger.store.head_position()
    second = ledger.start("second")
    past = open_past(ledger.settings, before)
    with pytest.raises(SandboxNotFound, match=second):
        past.get(second)
    past.close()
    head = ledger.store.head_position()
    with pytest.raises(InvalidPositionError, match=f"ends with {head}"):
        open_past(ledger.settings, head + 1)


def test_more_sandboxes_than_one_read_takes_are_all_there_once(ledger: Ledger) -> None:
    made = [ledger.start(f"thread-{n}") for n in range(CHUNK + 3)]
    position = ledger.store.head_position()
    ledger.crash(made[0])
    past = open_past(ledger.settings, position)
    assert [one.sandbox_id for one in past.each_sandbox()] == made[::-1]
    past.close()
