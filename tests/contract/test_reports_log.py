"""The raw log in both directions: filtered, bounded, and nothing missed between two pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from provider.domain.errors import CorruptLogError, InvalidCursorError
from provider.domain.log import RecordedEvent
from provider.ports.reading.log import EventFilter, EventPage
from provider.store.log.event_store import SqlEventStore
from provider.store.reports.log import SqlLogQueries
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.contract.reports_support import counted_statements
from tests.contract.store_support import tamper

EVENTS = 700
BUDGET = 100


@pytest.fixture
def past(store: SqlEventStore) -> list[RecordedEvent]:
    """Fill the ledger, and give all its events."""
    fill(store, History(EVENTS, span=timedelta(days=1)))
    return list(store.read_all())


@pytest.fixture
def log(store: SqlEventStore, past: list[RecordedEvent]) -> SqlLogQueries:
    """Open the log with a budget that a rare filter uses up."""
    return SqlLogQueries(store.database, budget=BUDGET)


def filters(past: list[RecordedEvent]) -> Iterator[tuple[EventFilter, Callable[[RecordedEvent], bool]]]:
    """Return filters, each with what it means."""
    since, until, one = past[100].recorded_at, past[500].recorded_at, past[333]
    yield EventFilter(), lambda e: True
    yield EventFilter(types=frozenset({"SandboxEvicted", "WorkerStarted"})), lambda e: e.event.type in (
        "SandboxEvicted", "WorkerStarted",
    )  # fmt: skip
    yield EventFilter(types=frozenset({"Nothing"})), lambda e: False
    yield EventFilter(stream=one.stream), lambda e: e.stream == one.stream
    yield EventFilter(stream="sandbox:none"), lambda e: False
    yield EventFilter(actor=one.actor), lambda e: e.actor == one.actor
    yield EventFilter(correlation_id=one.correlation_id), lambda e: e.correlation_id == one.correlation_id
    yield EventFilter(since=since, until=until), lambda e: since <= e.recorded_at < until
    yield EventFilter(since=since, stream=one.stream), lambda e: e.recorded_at >= since and e.stream == one.stream
    yield EventFilter(after=650), lambda e: e.position > 650
    yield EventFilter(after=10**12), lambda e: False


def walk(page: Callable[[str | None], EventPage]) -> list[RecordedEvent]:
    """Follow the pages to the end."""
    found, cursor = list[RecordedEvent](), None
    while True:
        one = page(cursor)
        found += one.items
        assert one.is_complete == (one.searched_to is None) == (one.searched_at is None)
        cursor = one.next
        if cursor is None:
            return found


@pytest.mark.parametrize("newest_first", [True, False])
def test_all_that_is_wanted_is_found_in_order(
    past: list[RecordedEvent], log: SqlLogQueries, newest_first: bool
) -> None:
    for wanted, means in filters(past):
        found = walk(
            lambda cursor, wanted=wanted: log.list_events(wanted, newest_first=newest_first, cursor=cursor, limit=9)  # type: ignore[misc]
        )
        expected = [one for one in past if means(one)]
        assert found == (expected[::-1] if newest_first else expected), wanted


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_way_back_shows_the_same(past: list[RecordedEvent], log: SqlLogQueries, newest_first: bool) -> None:
    wanted = EventFilter(actor=past[333].actor)
    found, page = list[RecordedEvent](), log.list_events(wanted, newest_first=newest_first, limit=5)
    assert page.previous is None
    forward = [*page.items]
    while page.next is not None:
        page = log.list_events(wanted, newest_first=newest_first, cursor=page.next, limit=5)
        forward += page.items
    found = [*page.items]
    while page.previous is not None:
        page = log.list_events(wanted, newest_first=newest_first, cursor=page.previous, limit=5)
        found = [*page.items, *found]
    assert found == forward == [one for one in (past[::-1] if newest_first else past) if one.actor == wanted.actor]


def test_a_rare_filter_stops_and_says_how_far_it_came(past: list[RecordedEvent], log: SqlLogQueries) -> None:
    page = log.list_events(EventFilter(types=frozenset({"Nothing"})))
    assert (page.items, page.is_complete) == ((), False)
    assert page.searched_to == len(past) - BUDGET + 1
    assert page.searched_at == past[page.searched_to - 1].recorded_at


def test_it_reads_on_behind_new_events(past: list[RecordedEvent], log: SqlLogQueries) -> None:
    assert [one.position for one in log.list_events(EventFilter(after=len(past) - 3)).items] == [
        len(past), len(past) - 1, len(past) - 2,
    ]  # fmt: skip


def test_a_changed_event_is_noticed(store: SqlEventStore, past: list[RecordedEvent], log: SqlLogQueries) -> None:
    tamper(store, "UPDATE events SET actor = 'nobody' WHERE position = 600")
    assert len(log.list_events(EventFilter(after=600)).items) == 50
    with pytest.raises(CorruptLogError, match="event 600"):
        log.list_events(EventFilter(after=590), newest_first=False)


def test_a_page_takes_a_constant_number_of_statements(past: list[RecordedEvent], log: SqlLogQueries) -> None:
    since = EventFilter(since=past[10].recorded_at, until=past[600].recorded_at)
    counts = []
    for limit in (1, 50):
        with counted_statements() as statements:
            log.list_events(since, limit=limit)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 9


@pytest.mark.parametrize("cursor", ["x", "WyJldmVudHMiLCJuIiwieCJd", "WyJldmVudHMiLCJuIiwxLDJd"])
def test_what_is_no_cursor_is_refused(log: SqlLogQueries, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        log.list_events(EventFilter(), cursor=cursor)
