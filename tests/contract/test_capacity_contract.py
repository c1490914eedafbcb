"""Capacity on each database: the limit holds in the transaction of the intent, and the queue is fair."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.containers import SandboxInfo
from provider.domain.decisions import (
    Creation,
    decide_create,
    decide_evict,
    decide_hold,
    decide_ready,
    decide_release,
    decide_started,
)
from provider.domain.errors import CapacityExceeded
from provider.domain.events import Event
from provider.domain.ids import sandbox_stream
from provider.domain.log import Author
from provider.domain.policy import Capacity, Queue
from provider.domain.state import SandboxState
from provider.store.coordination.waiters import FORGOTTEN_SECONDS, SqlWaiters
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import rebuild
from provider.store.tables import ledger_head, waiters

AUTHOR = Author("operator:test", "00000000-0000-0000-0000-000000000000")


@pytest.fixture
def store(database_url: str) -> Iterator[SqlEventStore]:
    opened = open_store(load_settings({"database": {"url": database_url}}))
    yield opened
    opened.close()


@pytest.fixture
def queue(store: SqlEventStore) -> SqlWaiters:
    return SqlWaiters(store.database)


def name(number: int) -> str:
    return f"{number:016x}"


def append(store: SqlEventStore, state: SandboxState, events: list[Event], capacity: Capacity | None) -> SandboxState:
    stream = sandbox_stream(state.sandbox_id)
    appended = store.append(stream, state.version, events, AUTHOR, state=state, capacity=capacity)
    assert appended.state is not None
    return appended.state


def intend(store: SqlEventStore, number: int, capacity: Capacity | None, user: str | None = None) -> SandboxState:
    state = store.load(name(number))
    creation = Creation(
        sandbox_id=name(number), user_id=user, thread_id=f"t{number}", worker_id="w", backend="b", image="i",
        container_prefix="p",
    )  # fmt: skip
    return append(store, state, decide_create(state, creation), capacity)


def make_warm(store: SqlEventStore, number: int, user: str | None = None) -> SandboxState:
    state = intend(store, number, None, user)
    info = SandboxInfo(state.sandbox_id, state.generation, "c", "p-c", "h", "u")
    state = append(store, state, decide_started(state, info), None)
    return append(store, state, decide_ready(state, state.generation, 0.5, []), None)


def live(store: SqlEventStore) -> int:
    with store.database.engine.connect() as connection:
        return int(connection.execute(ledger_head.select()).one().live)


def test_the_limit_refuses_and_writes_nothing(store: SqlEventStore) -> None:
    capacity = Capacity(replicas=2)
    intend(store, 1, capacity)
    second = intend(store, 2, capacity)
    with pytest.raises(CapacityExceeded) as refused:
        intend(store, 3, capacity)
    assert not refused.value.per_user
    assert (store.load(name(3)).version, store.head_position(), live(store)) == (0, 2, 2)
    append(store, second, decide_evict(second, 1, "request"), None)
    assert live(store) == 1
    intend(store, 3, capacity)


def test_what_changes_no_occupancy_is_never_refused(store: SqlEventStore) -> None:
    state = intend(store, 1, None)
    info = SandboxInfo(state.sandbox_id, 1, "c", "p-c", "h", "u")
    state = append(store, state, decide_started(state, info), Capacity(replicas=0))
    state = append(store, state, decide_ready(state, 1, 0.5, ["w"]), Capacity(replicas=0, per_user=0))
    append(store, state, decide_release(state, "w"), Capacity(replicas=0))
    assert live(store) == 1


def test_a_users_limit_counts_that_user_only_and_comes_first(store: SqlEventStore) -> None:
    capacity = Capacity(replicas=2, per_user=1)
    intend(store, 1, capacity, "ann")
    with pytest.raises(CapacityExceeded) as refused:
        intend(store, 2, capacity, "ann")
    assert refused.value.per_user
    intend(store, 3, capacity, "bob")
    with pytest.raises(CapacityExceeded) as both:
        intend(store, 2, capacity, "ann")
    assert both.value.per_user
    with pytest.raises(CapacityExceeded) as full:
        intend(store, 4, capacity, "cleo")
    assert not full.value.per_user


@pytest.mark.parametrize("per_user", [None, 3])
def test_many_at_once_never_exceed_it(store: SqlEventStore, per_user: int | None) -> None:
    refused: list[int] = []
    start = threading.Barrier(12)
    capacity = Capacity(replicas=5, per_user=per_user)

    def run(number: int) -> None:
        start.wait()
        try:
            intend(store, number, capacity, "ann")
        except CapacityExceeded:
            refused.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    allowed = per_user or 5
    assert (live(store), len(refused)) == (allowed, 12 - allowed)


def test_the_count_is_rebuilt_from_the_log(store: SqlEventStore) -> None:
    make_warm(store, 1)
    intend(store, 2, None)
    state = intend(store, 3, None)
    append(store, state, decide_evict(state, 1, "request"), None)
    with store.database.engine.connect() as connection:
        connection.execute(ledger_head.update().values(live=77))
    rebuild(store.database)
    assert live(store) == 2


def test_the_queue_is_first_come_first_served(queue: SqlWaiters) -> None:
    assert queue.look("a") == Queue(live=0, ahead=0)
    queue.join("b", "ann")
    queue.join("a", None)
    queue.join("b", "ann")  # still there: the place stays
    assert [queue.look(waiter).ahead for waiter in ("b", "a", "not in it")] == [0, 1, 2]
    queue.leave("b")
    queue.leave("b")
    assert [queue.look(waiter).ahead for waiter in ("a", "not in it")] == [0, 1]


def test_who_died_in_the_queue_is_not_waited_for(store: SqlEventStore, queue: SqlWaiters) -> None:
    queue.join("dead", None)
    queue.join("slow", None)
    with store.database.engine.begin() as connection:
        for waiter, silent in (("dead", FORGOTTEN_SECONDS + 1), ("slow", FORGOTTEN_SECONDS / 2)):
            seen = store.now() - timedelta(seconds=silent)
            connection.execute(waiters.update().where(waiters.c.waiter_id == waiter).values(seen_at=seen))
    assert queue.look("not in it").ahead == 1


def test_the_queue_sees_how_many_are_live(store: SqlEventStore, queue: SqlWaiters) -> None:
    intend(store, 1, None)
    make_warm(store, 2)
    assert queue.look("a").live == 2


def test_warm_sandboxes_come_least_recently_used_first(store: SqlEventStore, queue: SqlWaiters) -> None:
    for number in (1, 2, 3):
        make_warm(store, number, "ann" if number == 3 else "bob")
    assert queue.list_warm(9) == [name(1), name(2), name(3)]
    store.touch({name(1): 0.0})
    assert queue.list_warm(9) == [name(2), name(3), name(1)]
    assert queue.list_warm(1) == [name(2)]
    assert queue.list_warm(9, "ann") == [name(3)]


def test_what_a_lost_worker_held_is_spared_for_a_while(store: SqlEventStore, queue: SqlWaiters) -> None:
    lost, own = make_warm(store, 1), make_warm(store, 2)
    for state, author in ((lost, Author("sweeper:s", AUTHOR.correlation_id)), (own, AUTHOR)):
        held = append(store, state, decide_hold(state, "w"), None)
        store.append(sandbox_stream(held.sandbox_id), held.version, decide_release(held, "w"), author, state=held)
    assert queue.list_warm(9, spared_seconds=3600) == [name(2)]
    assert queue.list_warm(9) == [name(1), name(2)]
    assert [queue.is_spared(name(number), 3600) for number in (1, 2, 3)] == [True, False, False]
    assert not queue.is_spared(name(1), 0)


def test_a_release_later_than_the_last_noted_activity_counts(store: SqlEventStore, queue: SqlWaiters) -> None:
    first, _ = make_warm(store, 1), make_warm(store, 2)
    store.touch({name(1): 500.0, name(2): 0.0})
    assert queue.list_warm(9) == [name(1), name(2)]
    held = append(store, first, decide_hold(first, "w"), None)
    append(store, held, decide_release(held, "w"), None)
    assert queue.list_warm(9) == [name(2), name(1)]


def test_only_warm_sandboxes_are_listed(store: SqlEventStore, queue: SqlWaiters) -> None:
    intend(store, 1, None)
    warm = make_warm(store, 2)
    append(store, warm, decide_evict(warm, 1, "idle"), None)
    assert queue.list_warm(9) == []
