"""The fold: total, and blind to what was forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from provider.domain import events as ev
from provider.domain.events import Event
from provider.domain.state import SandboxState, Stamp, evolve, settled
from tests.unit.domain.strategies import events, sandbox_events

START = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = SandboxState(sandbox_id="0" * 16)


def stamp(position: int) -> Stamp:
    return Stamp(position=position, recorded_at=START + timedelta(seconds=position))


def fold(history: list[Event]) -> list[SandboxState]:
    states = [EMPTY]
    for position, event in enumerate(history, 1):
        states.append(evolve(states[-1], event, stamp(position)))
    return states


@given(st.lists(events(), max_size=12))
def test_any_event_may_meet_any_state(history: list[Event]) -> None:
    states = fold(history)
    assert [state.version for state in states] == list(range(len(history) + 1))
    if history:
        assert states[-1].created_at == stamp(1).recorded_at
        assert states[-1].updated_at == stamp(len(history)).recorded_at


@given(st.lists(sandbox_events(), max_size=20))
def test_no_history_breaks_the_shape_of_a_state(history: list[Event]) -> None:
    for before, after in pairwise(fold(history)):
        numbers = [generation.number for generation in after.generations]
        assert numbers == sorted(set(numbers))
        assert after.generation >= before.generation
        assert bool(after.holders) == (after.status == "active")
        assert after.holders == tuple(sorted(set(after.holders)))
        assert (after.status == "absent") == (after.generation == 0)


@given(st.lists(sandbox_events(), max_size=20), st.data())
def test_forgetting_removed_generations_makes_no_difference(history: list[Event], data: st.DataObject) -> None:
    full = short = EMPTY
    for position, event in enumerate(history, 1):
        full, short = evolve(full, event, stamp(position)), evolve(short, event, stamp(position))
        if data.draw(st.booleans()):
            short = settled(short)
        assert settled(full) == settled(short)
        assert full.current == short.current


def creating(number: int) -> ev.SandboxCreating:
    return ev.SandboxCreating(
        generation=number, sandbox_id="0" * 16, user_id="u", thread_id="t", backend="b", image="i", cause="cold",
        worker_id="w", container_name=f"c-{number}",
    )  # fmt: skip


def test_late_news_of_an_old_generation_never_moves_the_new_one() -> None:
    live = fold([
        creating(1), ev.SandboxEvicted(generation=1, reason="idle"), creating(2),
        ev.SandboxReady(generation=2, startup_seconds=1.5), ev.SandboxAcquired(generation=2, worker_id="w", how="warm"),
    ])[-1]  # fmt: skip
    late: list[Event] = [
        ev.SandboxStarted(generation=1, container_id="c", container_name="c-1", host="h", url="u"),
        ev.SandboxReady(generation=1, startup_seconds=9.5),
        ev.SandboxCreateFailed(generation=1, stage="start", error="no"),
        ev.SandboxAcquired(generation=1, worker_id="v", how="warm"),
        ev.SandboxReleased(generation=1, worker_id="w", cause="request"),
        ev.SandboxDied(generation=1, detected_by="get", detected_at=START),
        ev.SandboxEvicted(generation=1, reason="request"),
        ev.SandboxDestroyFailed(generation=1, error="no"),
        ev.SandboxDestroyed(generation=1),
    ]
    for event in late:
        after = evolve(live, event, stamp(9))
        assert (after.status, after.generation, after.holders) == ("active", 2, ("w",))
        assert after.current == live.current


def test_an_orphan_of_an_unknown_sandbox_binds_nothing() -> None:
    removed = ev.OrphanRemoved(generation=3, container_id="c", container_name="n")
    state = fold([removed])[-1]
    assert (state.status, state.generation, state.generations, state.version) == ("absent", 0, (), 1)


def test_the_death_of_a_sandbox_in_use_ends_its_use() -> None:
    born: list[Event] = [
        ev.SandboxCreating(
            generation=1, sandbox_id=EMPTY.sandbox_id, user_id=None, thread_id="t", backend="b", image="i",
            cause="cold", worker_id="w", container_name="n",
        ),
        ev.SandboxStarted(generation=1, container_id="c", container_name="n", host="h", url="u"),
        ev.SandboxReady(generation=1, startup_seconds=0.1),
        ev.SandboxAcquired(generation=1, worker_id="w", how="created"),
        ev.SandboxDied(generation=1, detected_by="watch", detected_at=START),
    ]  # fmt: skip
    *_, active, dead = fold(born)
    assert (active.status, active.holders) == ("active", ("w",))
    assert (dead.status, dead.holders) == ("dead", ())
