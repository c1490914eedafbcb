"""Every list, filtered and in every order, page by page and back, equals what folding the whole log gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from provider.domain.errors import InvalidCursorError
from provider.domain.ids import sandbox_stream
from provider.domain.search import Search, parse_search
from provider.domain.state import Generation
from provider.ports.reading.audit import AuditFilter, WorkerReport
from provider.ports.reading.sandboxes import SandboxAsOf, SandboxSort
from provider.reading.past import fold_as_of
from provider.reading.reports import Reports
from provider.store.log.event_store import SqlEventStore
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.contract.brute_force import Folded
from tests.contract.reports_support import EVENTS, counted_statements, reading, walk

SEARCHES = (
    "", "status:warm", "status:active,warm", "user:user-3", "user:user-3*", "thread:history-thread-7",
    "image:agents/*", "image:sandbox-ledger/sandbox:1.4 host:host-2", "reason:oom", "reason:oom,crashed user:user-1*",
    "expected:no", "expected:yes since:20h", "since:30h until:10h", "backend:docker reason:idle", "history-thread-1",
    "user-9 thread-4", "image:none", "host:host-1 host:host-2 status:gone",
    "worker:host-8-*", "worker:host-8-*,host-4-* status:active,warm", "a", "A",
)  # fmt: skip
SORTS: tuple[SandboxSort, ...] = (
    "created_at", "-created_at", "updated_at", "-updated_at", "user_id", "status", "-generation",
)  # fmt: skip


@pytest.fixture(scope="module")
def past(kept_store: SqlEventStore) -> Folded:
    """Fill the ledger with two days, up to now."""
    fill(kept_store, History(EVENTS, span=timedelta(days=2)))
    return Folded(kept_store)


@pytest.fixture(scope="module")
def reports(kept_store: SqlEventStore, past: Folded) -> Iterator[Reports]:
    """Open the read side of the filled ledger."""
    with reading(kept_store) as opened:
        yield opened


def test_sandboxes_match_their_searches(past: Folded, reports: Reports) -> None:
    now = past.events[-1].recorded_at
    for text in SEARCHES:
        search = parse_search(text, now)
        expected = {key for key, state in past.states.items() if _matches(past, search, key, state.updated_at)}
        found = walk(lambda cursor, search=search: reports.sandboxes.list_page(search, cursor=cursor, limit=40))  # type: ignore[misc]
        assert [one.sandbox_id for one in found] == _newest_first(past, expected), text
        assert reports.sandboxes.count(search).value == len(expected), text
        assert reports.sandboxes.list_ids(search, 10_000) == sorted(expected), text


def test_a_row_tells_of_the_newest_container(past: Folded, reports: Reports) -> None:
    for row in reports.sandboxes.list_page(Search(), limit=200).items:
        state, newest = past.states[row.sandbox_id], past.newest(row.sandbox_id)
        assert (row.status, row.generation, row.holders) == (state.status, state.generation, state.holders)
        assert (row.updated_at, row.version) == (state.updated_at, state.version)
        for name in ("image", "host", "worker_id", "container_name", "ready_at", "end_reason", "expected", "exit_code"):
            assert getattr(row, name) == getattr(newest, name)


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_is_total_and_stable(past: Folded, reports: Reports, sort: SandboxSort) -> None:
    found = walk(lambda cursor: reports.sandboxes.list_page(Search(), sort=sort, cursor=cursor, limit=60))
    name = sort.removeprefix("-")
    keys = [(getattr(one, name), one.sandbox_id) for one in found]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(keys) == len(set(keys)) == len(past.states)


def test_evictions(past: Folded, reports: Reports) -> None:
    now = past.events[-1].recorded_at
    every = [(key, one) for key, known in past.generations.items() for one in known.values() if one.end_reason]
    for text in SEARCHES:
        search = parse_search(text, now)
        wanted = [(key, one) for key, one in every if one.ended_at and _matches(past, search, key, one.ended_at, one)]
        wanted.sort(key=lambda pair: (pair[1].ended_at, pair[0], pair[1].number), reverse=True)
        found = walk(lambda cursor, search=search: reports.endings.list_evictions(search, cursor=cursor, limit=50))  # type: ignore[misc]
        assert [(one.sandbox_id, one.generation) for one in found] == [(key, one.number) for key, one in wanted], text
        assert reports.endings.count_evictions(search).value == len(wanted), text
        for row, (key, one) in zip(found, wanted, strict=True):
            assert (row.reason, row.expected, row.exit_code) == (one.end_reason, one.expected, one.exit_code)
            assert (row.evicted_at, row.detected_at, row.user_id) == (
                one.ended_at,
                one.died_at,
                past.states[key].user_id,
            )


def test_restarts(past: Folded, reports: Reports) -> None:
    now = past.events[-1].recorded_at
    every = [(key, new, old) for key, known in past.generations.items() for new, old in _replaced(known)]
    assert len(every) > 10
    for text in SEARCHES:
        search = parse_search(text, now)
        wanted = [
            (key, new, old)
            for key, new, old in every
            if _matches(past, search, key, new.creating_at, new, _cause(old), not old.died_at and bool(old.expected))
        ]
        wanted.sort(key=lambda row: (row[1].creating_at, row[0], row[1].number), reverse=True)
        found = walk(lambda cursor, search=search: reports.endings.list_restarts(search, cursor=cursor, limit=10))  # type: ignore[misc]
        told = [(one.sandbox_id, one.from_generation, one.to_generation, one.cause) for one in found]
        assert told == [(key, old.number, new.number, _cause(old)) for key, new, old in wanted], text
        assert reports.endings.count_restarts(search).value == len(wanted), text
        assert [row.restarted_at for row in found] == [new.ready_at for _, new, _ in wanted]


def test_workers_and_sweeps(past: Folded, reports: Reports) -> None:
    running = walk(lambda cursor: reports.operations.list_workers(cursor=cursor, limit=5), _worker_id)
    assert len(running) == 12
    held = [holder for state in past.states.values() for holder in state.holders]
    assert {one.worker_id: one.holds for one in running} == {
        one.worker_id: held.count(one.worker_id) for one in running
    }
    assert sum(one.holds for one in running) > 0
    lost = sum(recorded.event.type == "WorkerLost" for recorded in past.events)
    ended = walk(lambda cursor: reports.operations.list_workers(ended=True, cursor=cursor, limit=1), _worker_id)
    assert [one.ended_as for one in ended] == ["lost"] * lost
    again = reports.operations.find_worker(running[0].worker_id)
    assert again is not None
    assert (again.holds, again.pid) == (running[0].holds, running[0].pid)
    assert reports.operations.find_worker("nobody") is None
    sweeps = walk(lambda cursor: reports.operations.list_sweeps(cursor=cursor, limit=100))
    assert [one.started_at for one in sweeps] == sorted((one.started_at for one in sweeps), reverse=True)
    assert len(sweeps) > 100


def test_operator_actions(past: Folded, reports: Reports) -> None:
    asked = [one for one in past.events if one.event.type == "OperatorActionRequested"]
    done = {one.correlation_id for one in past.events if one.event.type == "OperatorActionCompleted"}
    found = walk(lambda cursor: reports.operations.list_actions(AuditFilter(), cursor=cursor, limit=7))
    assert [one.position for one in found] == [one.position for one in reversed(asked)]
    assert [one.outcome for one in found] == ["done" if one.correlation_id in done else None for one in reversed(asked)]
    ann = walk(lambda cursor: reports.operations.list_actions(AuditFilter(operator="ann"), cursor=cursor, limit=7))
    assert [one.position for one in ann] == [one.position for one in found if one.operator == "ann"]
    since = AuditFilter(since=asked[-1].recorded_at)
    assert [one.position for one in reports.operations.list_actions(since).items] == [asked[-1].position]


def test_as_of(kept_store: SqlEventStore, past: Folded, reports: Reports) -> None:
    sandbox_id = max(past.states, key=lambda key: past.states[key].version)
    mine = [one for one in past.events if one.stream == sandbox_stream(sandbox_id)]

    def as_of(position: int) -> SandboxAsOf:
        return fold_as_of(sandbox_id, position, reports.insights.history(sandbox_id))

    now = as_of(kept_store.head_position())
    assert now.state == past.states[sandbox_id]
    assert now.generations == tuple(past.generations[sandbox_id].values())
    before = as_of(mine[0].position - 1)
    assert (before.state.status, before.recorded_at, before.generations) == ("absent", None, ())
    for recorded in mine:
        then = as_of(recorded.position)
        assert (then.state.version, then.recorded_at) == (recorded.version, recorded.recorded_at)
    at = mine[3].recorded_at + timedelta(microseconds=1)
    assert as_of(reports.insights.position_at(at)).state.version >= mine[3].version


@pytest.mark.parametrize("cursor", ["x", "", "e30", "WyJzYW5kYm94ZXMiXQ", "é", "a" * 5000])
def test_what_is_no_cursor_is_refused(reports: Reports, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        reports.sandboxes.list_page(Search(), cursor=cursor)


def test_a_cursor_of_another_list_is_refused(past: Folded, reports: Reports) -> None:
    other = reports.endings.list_evictions(Search(), limit=1).next
    assert other is not None
    with pytest.raises(InvalidCursorError):
        reports.sandboxes.list_page(Search(), cursor=other)
    by_user = reports.sandboxes.list_page(Search(), sort="user_id", limit=1).next
    with pytest.raises(InvalidCursorError):
        reports.sandboxes.list_page(Search(), sort="status", cursor=by_user)


@pytest.fixture
def fresh_reports(kept_store: SqlEventStore, past: Folded) -> Iterator[Reports]:
    """Open a read side that has been asked nothing yet: some answers are kept for a while."""
    with reading(kept_store) as opened:
        yield opened


def test_every_question_takes_a_constant_number_of_statements(past: Folded, fresh_reports: Reports) -> None:
    reports = fresh_reports
    now = past.events[-1].recorded_at
    search = parse_search("since:1d", now)
    questions: dict[str, tuple[int, Callable[[int], object]]] = {
        "overview": (20, lambda _: reports.fleet.overview()),
        "sandboxes": (1, lambda limit: reports.sandboxes.list_page(search, limit=limit)),
        "evictions": (1, lambda limit: reports.endings.list_evictions(search, limit=limit)),
        "restarts": (1, lambda limit: reports.endings.list_restarts(search, limit=limit)),
        "sweeps": (1, lambda limit: reports.operations.list_sweeps(limit=limit)),
        "actions": (1, lambda limit: reports.operations.list_actions(AuditFilter(), limit=limit)),
        "workers": (5, lambda limit: reports.operations.list_workers(limit=limit)),
        "timeline": (5, lambda limit: reports.timeline.read("host", now - timedelta(days=1), now, max_rows=limit)),
        "totals": (14, lambda _: reports.system.totals(30.0)),
        "system": (11, lambda _: reports.system.describe()),
    }
    reports.fleet.overview()  # the first look of a process also reads which ledger it is
    for name, (most, ask) in questions.items():
        counts = []
        for limit in (1, 100):
            with counted_statements() as statements:
                ask(limit)
            counts.append(len(statements))
        assert counts[0] == counts[1] <= most, (name, counts)


def _worker_id(one: WorkerReport) -> object:
    """Identify a worker; how long it has been silent changes from look to look."""
    return one.worker_id


def _newest_first(past: Folded, chosen: set[str]) -> list[str]:
    return sorted(chosen, key=lambda key: (past.states[key].created_at, key), reverse=True)


def _replaced(known: dict[int, Generation]) -> Iterator[tuple[Generation, Generation]]:
    for number, new in known.items():
        old = [one for other, one in known.items() if other < number and one.ready_at]
        if old:
            yield new, max(old, key=lambda one: one.number)


def _cause(old: Generation) -> str | None:
    return old.end_reason or ("crashed" if old.died_at else None)


def _matches(
    past: Folded, search: Search, sandbox_id: str, at: datetime | None, one: Generation | None = None,
    reason: str | None = None, expected: bool | None = None,
) -> bool:  # fmt: skip
    """Whether, by the rules of the filter language, a container of a sandbox matches."""
    state = past.states[sandbox_id]
    one = one or past.newest(sandbox_id)
    texts = {
        "status": state.status, "user": state.user_id, "thread": state.thread_id, "image": one.image, "host": one.host,
        "worker": one.worker_id, "backend": one.backend, "reason": reason or one.end_reason,
    }  # fmt: skip
    expected = one.expected if expected is None else expected
    assert at is not None
    return (
        all(
            not getattr(search, key) or any(_is(text, value) for value in getattr(search, key))
            for key, text in texts.items()
        )
        and (search.expected is None or expected == search.expected)
        and (search.since is None or at >= search.since)
        and (search.until is None or at < search.until)
        and all(_contains((sandbox_id, state.thread_id, state.user_id), word) for word in search.words)
    )


def _is(text: str | None, wanted: str) -> bool:
    if text is None:
        return False
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def _contains(texts: tuple[str, str | None, str | None], word: str) -> bool:
    return texts[0].startswith(word) or any(word in (text or "") for text in texts[1:])
