"""The read side on an empty ledger and on a small one: every question is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provider.domain import events as ev
from provider.domain.search import Search
from provider.ports.reading.log import EventFilter
from provider.reading.reports import Reports
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import SANDBOX, append, born, died


def test_an_empty_ledger_is_unknown_and_has_nothing(reports: Reports) -> None:
    overview = reports.fleet.overview()
    assert overview.verdict.level == "unknown"
    assert overview.reading.freshness.head_position == 0
    assert overview.reading.freshness.recorded_at is None
    assert len(overview.reading.strip) == 60
    assert reports.sandboxes.list_page(Search()).items == ()
    assert reports.sandboxes.count(Search()).value == 0
    assert reports.log.list_events(EventFilter()).items == ()
    assert reports.operations.list_workers().items == ()
    assert reports.operations.list_sweeps().items == ()
    assert reports.system.totals(30.0).starts == 0
    report = reports.system.describe()
    assert report.schema_matches
    assert (report.events, report.oldest_event_at) == (0, None)


def test_a_death_is_seen_everywhere(store: SqlEventStore, reports: Reports) -> None:
    append(store, *born())
    append(store, *died(store))
    reading = reports.fleet.overview().reading
    assert (reading.current.starts, reading.current.unexpected_ends, dict(reading.current.ends)) == (
        1,
        1,
        {"crashed": 1},
    )
    assert sum(bucket.unexpected_ends for bucket in reading.strip) == 1
    assert [(end.sandbox_id, end.reason, end.exit_code) for end in reading.latest] == [(SANDBOX, "crashed", 137)]
    assert [(top.reason, top.image, top.host, top.count) for top in reading.top_reasons] == [
        ("crashed", "image", "h", 1)
    ]
    (row,) = reports.sandboxes.list_page(Search(reason=("crashed",))).items
    assert (row.sandbox_id, row.image, row.exit_code, row.status) == (SANDBOX, "image", 137, "dead")
    assert [one.position for one in reports.log.list_events(EventFilter()).items] == [8, 7, 6, 5, 4, 3, 2, 1]
    now = reading.freshness.now
    timeline = reports.timeline.read("host", now - timedelta(hours=1), now + timedelta(seconds=1))
    assert [(one.key, one.totals) for one in timeline.rows] == [("h", {"start": 1, "unexpected_end": 1})]
    totals = reports.system.totals(30.0)
    assert (totals.starts, totals.ends["crashed"], totals.ends["idle"], totals.events) == (1, 1, 0, 8)
    assert totals.startup_seconds == 1.25


@pytest.mark.parametrize(("user", "count"), [("al*", 1), ("alice", 1), ("al%*", 0), ("_lice*", 0), ("%", 0)])
def test_only_a_star_stands_for_anything(store: SqlEventStore, reports: Reports, user: str, count: int) -> None:
    append(store, *born())
    assert len(reports.sandboxes.list_page(Search(user=(user,))).items) == count


def test_a_worker_finds_what_it_made_and_what_it_holds(store: SqlEventStore, reports: Reports) -> None:
    append(store, *born())
    append(store, ev.SandboxAcquired(generation=1, worker_id="v2", how="shared"))

    def found(*workers: str) -> list[str]:
        return [one.sandbox_id for one in reports.sandboxes.list_page(Search(worker=workers)).items]

    assert found("w1") == found("v2") == found("w*") == found("nobody", "v*") == [SANDBOX]
    assert found("w") == found("2") == found("nobody") == found("2*") == []
    append(store, ev.SandboxReleased(generation=1, worker_id="v2", cause="request"))
    assert (found("w1"), found("v2")) == ([SANDBOX], [])
