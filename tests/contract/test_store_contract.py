"""What every event store must do; each test runs on every database of the `database_url` fixture."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provider.domain import events as ev
from provider.domain.codec import UnreadableEventError
from provider.domain.errors import ConcurrencyError, DuplicateCommand, InvalidIdError, VersionConflict
from provider.domain.events import Event, SandboxEvent
from provider.domain.ids import MAX_NAME_LENGTH, sandbox_stream
from provider.domain.log import Author, RecordedEvent
from provider.domain.state import SandboxState, Stamp, evolve, settled
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences
from provider.store.reports.queries import SqlLedgerQueries
from provider.store.tables import ledger_head
from tests.contract.store_support import AUTHOR, SANDBOX, append, assert_chained, born, creating, died, opened, state_of
from tests.unit.domain.strategies import events as any_events
from tests.unit.domain.strategies import sandbox_events

STREAM = sandbox_stream(SANDBOX)
numbers = itertools.count(1)


histories = st.lists(st.lists(sandbox_events(), min_size=1, max_size=5), min_size=1, max_size=6)
fresh = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fresh
@given(history=histories)
def test_the_state_is_the_fold_of_what_was_appended(store: SqlEventStore, history: list[list[SandboxEvent]]) -> None:
    sandbox_id = f"{next(numbers):016x}"
    folded = SandboxState(sandbox_id=sandbox_id)
    read: list[RecordedEvent] = []
    for batch in history:
        appended = store.append(sandbox_stream(sandbox_id), folded.version, batch, AUTHOR)
        for recorded in appended.events:
            stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
            folded = settled(evolve(folded, recorded.event, stamp))
        assert appended.state == store.load(sandbox_id) == folded
        assert [recorded.event for recorded in appended.events] == batch
        read += appended.events
    assert list(store.read_stream(sandbox_stream(sandbox_id))) == read
    assert find_differences(store.database) == []


@fresh
@given(events=st.lists(any_events(), min_size=1, max_size=5))
def test_every_event_is_read_back_and_chained(store: SqlEventStore, events: list[Event]) -> None:
    stream = f"worker:{next(numbers)}"
    appended = store.append(stream, 0, events, AUTHOR)
    assert appended.state is None
    assert [recorded.event for recorded in appended.events] == events
    assert list(store.read_stream(stream)) == list(appended.events)
    assert_chained(list(store.read_all()))


def test_an_append_tells_what_it_wrote(store: SqlEventStore) -> None:
    first = append(store, *born())
    second = append(store, *died(store), author=Author("operator:bob", "c", "key-1"))
    recorded = [*first.events, *second.events]
    assert [(r.position, r.version) for r in recorded] == [(n, n) for n in range(1, 9)]
    assert {r.stream for r in recorded} == {STREAM}
    assert [r.command_id for r in second.events] == ["key-1", None, None, None]
    assert {(r.actor, r.correlation_id) for r in second.events} == {("operator:bob", "c")}
    assert len({r.recorded_at for r in second.events}) == 1
    assert first.events[0].recorded_at <= second.events[0].recorded_at <= store.now()
    assert list(store.read_all()) == recorded
    assert_chained(recorded)


def test_the_state_decided_on_may_be_left_out(store: SqlEventStore) -> None:
    store.append(STREAM, 0, born(), AUTHOR)
    assert state_of(store.append(STREAM, 4, died(store), AUTHOR)) == store.load(SANDBOX)
    assert store.load(SANDBOX).status == "dead"


def test_a_dead_generation_is_kept_until_it_is_removed(store: SqlEventStore) -> None:
    append(store, *born())
    append(store, *died(store)[:3])
    append(store, *born(2))
    state = store.load(SANDBOX)
    assert [generation.number for generation in state.generations] == [1, 2]
    assert state.generations[0].evidence_position == 7
    append(store, ev.SandboxDestroyed(generation=1))
    assert [generation.number for generation in store.load(SANDBOX).generations] == [2]


def test_an_unknown_sandbox_is_empty(store: SqlEventStore) -> None:
    assert store.load(SANDBOX) == SandboxState(sandbox_id=SANDBOX)
    assert list(store.read_stream(STREAM)) == []
    assert list(store.read_all()) == []
    assert store.head_position() == 0


def test_a_late_decision_is_refused_and_leaves_nothing(store: SqlEventStore) -> None:
    state = state_of(append(store, *born()))
    before = list(store.read_all())
    release = ev.SandboxReleased(generation=1, worker_id="w1", cause="request")
    empty = SandboxState(sandbox_id=SANDBOX)
    for version, decided_on in [(0, empty), (0, None), (3, None), (5, None), (-1, None), (3, state)]:
        with pytest.raises(VersionConflict):
            store.append(STREAM, version, [release, release], AUTHOR, state=decided_on)
    assert list(store.read_all()) == before
    assert store.load(SANDBOX) == state


def test_a_late_append_to_a_stream_without_state_is_refused(store: SqlEventStore) -> None:
    started = ev.WorkerStarted(worker_id="w", host="h", pid=1)
    store.append("worker:w", 0, [started], AUTHOR)
    for version in (0, 2):
        with pytest.raises(VersionConflict):
            store.append("worker:w", version, [started], AUTHOR)
    store.append("worker:w", 1, [ev.WorkerStopped(worker_id="w")], AUTHOR)
    store.append("ledger", 0, [ev.SweepCompleted(expected=1, observed=1, actions=0, failures=0)], AUTHOR)
    assert [r.stream for r in store.read_all()] == ["worker:w", "worker:w", "ledger"]


def test_time_never_goes_back_along_the_log(store: SqlEventStore) -> None:
    append(store, *born())
    ahead = store.now() + timedelta(hours=1)  # as if the clock had been set back since the last append
    with store.database.engine.begin() as connection:
        connection.execute(ledger_head.update().values(recorded_at=ahead))
    release = ev.SandboxReleased(generation=1, worker_id="w1", cause="request")
    assert [recorded.recorded_at for recorded in append(store, release).events] == [ahead]


def test_a_command_is_recorded_once(store: SqlEventStore) -> None:
    command = Author("operator:bob", "c", "key-1")
    append(store, *born(), author=command)
    before = list(store.read_all())
    with pytest.raises(DuplicateCommand, match="key-1") as refusal:
        append(store, ev.SandboxReleased(generation=1, worker_id="w1", cause="request"), author=command)
    assert isinstance(refusal.value, ConcurrencyError)
    with pytest.raises(DuplicateCommand):
        append(store, creating(sandbox_id="f" * 16), sandbox_id="f" * 16, author=command)
    assert list(store.read_all()) == before
    append(store, ev.SandboxReleased(generation=1, worker_id="w1", cause="request"), author=Author("a", "c", "key-2"))


def test_what_could_not_be_read_back_is_not_written(store: SqlEventStore) -> None:
    for event, error in [
        (ev.SandboxReady(generation=1, startup_seconds=float("nan")), ValueError),
        (ev.SandboxReady(generation=1, startup_seconds=1e300), ValueError),
        (ev.SandboxReady(generation=2**53, startup_seconds=1.5), ValueError),
        (ev.CrashLoopCleared(generation=1, cleared_by="a\0b"), ValueError),
        (ev.CrashLoopCleared(generation=1, cleared_by="\ud800"), ValueError),
        (ev.SandboxEvicted(generation=1, reason="mood"), UnreadableEventError),  # type: ignore[arg-type]
    ]:
        with pytest.raises(error):
            store.append(STREAM, 0, [*born(), event], AUTHOR)
    with pytest.raises(ValueError, match="at least one event"):
        store.append(STREAM, 0, [], AUTHOR)
    with pytest.raises(ValueError, match="decides nothing about"):
        store.append("worker:w", 0, born(), AUTHOR, state=SandboxState(sandbox_id=SANDBOX))
    with pytest.raises(InvalidIdError, match="command id"):
        append(store, *born(), author=Author("a", "c", "k" * 2000))
    assert list(store.read_all()) == []


def test_the_longest_ids_fit(store: SqlEventStore) -> None:
    distinct = "".join(chr(0x1F300 + n) for n in range(MAX_NAME_LENGTH))
    reverse = distinct[::-1]
    longest = ev.SandboxCreating(
        generation=1, sandbox_id=SANDBOX, user_id=distinct, thread_id=reverse, backend="b", image="i", cause="cold",
        worker_id="w", container_name="c",
    )  # fmt: skip
    append(store, longest, author=Author("operator:bob", "c", distinct))
    assert (store.load(SANDBOX).user_id, store.load(SANDBOX).thread_id) == (distinct, reverse)


def test_reading_goes_on_over_pages(store: SqlEventStore) -> None:
    for _ in range(6):
        append(store, *born(store.load(SANDBOX).generation + 1)[:3])
        store.append(f"worker:{uuid.uuid4()}", 0, [ev.WorkerStarted(worker_id="w", host="h", pid=1)], AUTHOR)
    everything = list(store.read_all())
    assert [r.position for r in everything] == list(range(1, 25))
    for after in (0, 6, 7, 8, 23, 24, 99):
        assert list(store.read_all(after)) == everything[after:]
        for limit in (0, 1, 7, 8, 14, 30):
            assert list(store.read_all(after, limit)) == everything[after : after + limit]
    stream = [r for r in everything if r.stream == STREAM]
    for version in (0, 6, 7, 14, 17, 18):
        assert list(store.read_stream(STREAM, version)) == stream[version:]


def test_a_reader_may_stop_in_the_middle_and_hold_nothing(store: SqlEventStore) -> None:
    for number in range(1, 5):
        append(store, *born(number))
    reader = store.read_all()
    assert next(reader).position == 1
    append(store, *born(5))
    assert [r.position for r in reader] == list(range(2, 21))


def test_a_ledger_has_one_id_for_everybody(store: SqlEventStore, database_url: str) -> None:
    with opened(database_url) as other:
        assert other.ledger_id == store.ledger_id
    assert uuid.UUID(store.ledger_id).version == 4


def test_holders_are_found_by_their_exact_name(store: SqlEventStore) -> None:
    holders = ["w", "w1", "wörker", 'w"', "%", "W1"]
    ids = {holder: f"{number:016x}" for number, holder in enumerate(holders)}
    for holder, sandbox_id in ids.items():
        held = ev.SandboxAcquired(generation=1, worker_id=holder, how="created")
        append(store, *born(sandbox_id=sandbox_id)[:3], held, sandbox_id=sandbox_id)
    assert {holder: store.list_held(holder) for holder in holders} == {holder: [ids[holder]] for holder in holders}
    assert [store.list_held(other) for other in ("_", "", "w2")] == [[], [], []]
    assert find_differences(store.database) == []


def test_the_previous_generation_is_the_last_that_was_in_use(store: SqlEventStore) -> None:
    append(store, *born(1))
    append(store, *died(store, 1))
    append(store, creating(2), ev.SandboxCreateFailed(generation=2, stage="start", error="no"))
    append(store, *born(3))
    previous = store.find_previous(SANDBOX, 3)
    assert previous is not None
    assert (previous.number, previous.exit_code) == (1, 137)
    assert store.find_previous(SANDBOX, 1) is None


def test_closing_twice_is_once(store: SqlEventStore) -> None:
    store.close()
    store.close()


def test_a_time_is_found_without_an_index(store: SqlEventStore) -> None:
    queries = SqlLedgerQueries(store.database)
    assert queries.find_position_before(store.now()) == 0
    first, second = append(store, *born()), append(store, *died(store))
    for moment, position in [
        (first.events[0].recorded_at, 0),
        (second.events[0].recorded_at, 4),
        (second.events[0].recorded_at + timedelta(microseconds=1), 8),
        (store.now() + timedelta(days=1), 8),
        (store.now() - timedelta(days=1), 0),
    ]:
        assert queries.find_position_before(moment) == position
