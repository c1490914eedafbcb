"""What is told about now and about time ranges equals what folding the whole log gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from provider.domain.events import END_REASONS
from provider.ports.reading.timeline import RowBy
from provider.reading.reports import Reports
from provider.store.log.event_store import SqlEventStore
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.contract.brute_force import Fact, Folded
from tests.contract.reports_support import EVENTS, reading


@pytest.fixture(scope="module")
def past(kept_store: SqlEventStore) -> Folded:
    """Fill the ledger with eight hours, up to now."""
    fill(kept_store, History(EVENTS, span=timedelta(hours=8)))
    return Folded(kept_store)


@pytest.fixture(scope="module")
def reports(kept_store: SqlEventStore, past: Folded) -> Iterator[Reports]:
    """Open the read side of the filled ledger."""
    with reading(kept_store) as opened:
        yield opened


def test_the_overview(past: Folded, reports: Reports) -> None:
    seen = reports.fleet.overview().reading
    for tally in (seen.current, seen.before, seen.baseline):
        kinds = past.count(tally.since, tally.until, lambda fact: fact.kind)
        assert (tally.starts, tally.start_failures) == (kinds["start"], kinds["start_failure"])
        assert (tally.unexpected_ends, tally.expected_ends) == (kinds["unexpected_end"], kinds["expected_end"])
        assert tally.restarts == past.count(tally.since, tally.until, lambda fact: fact.is_restart)[True]
        ends = past.count(tally.since, tally.until, _reason)
        assert tally.ends == {reason: count for reason, count in ends.items() if reason != "no end"}
    assert seen.baseline.starts > seen.before.starts > 0
    assert seen.before.until == seen.current.since == seen.baseline.until
    assert seen.before.until - seen.before.since == timedelta(hours=1)
    for bucket in seen.strip:
        kinds = past.count(bucket.start_at, bucket.end_at, lambda fact: fact.kind)
        assert (bucket.starts, bucket.start_failures) == (kinds["start"], kinds["start_failure"])
        assert (bucket.unexpected_ends, bucket.expected_ends) == (kinds["unexpected_end"], kinds["expected_end"])
    assert seen.strip[0].start_at == seen.current.since
    assert seen.strip[-1].start_at <= seen.freshness.now < seen.strip[-1].end_at
    statuses = Counter(state.status for state in past.states.values() if state.status != "gone")
    assert seen.statuses == statuses
    assert seen.live == sum(state.occupies for state in past.states.values())
    assert seen.freshness.head_position == past.events[-1].position
    assert seen.freshness.recorded_at == past.events[-1].recorded_at


def test_the_latest_ends_and_the_top_reasons(past: Folded, reports: Reports) -> None:
    seen = reports.fleet.overview().reading
    unexpected = sorted(
        (fact for fact in past.facts() if fact.kind == "unexpected_end"),
        key=lambda fact: (-fact.at.timestamp(), fact.sandbox_id, -fact.generation.number),
    )
    expected = [(one.sandbox_id, one.generation.number, one.at, one.generation.end_reason) for one in unexpected[:10]]
    assert [(one.sandbox_id, one.generation, one.ended_at, one.reason) for one in seen.latest] == expected
    assert [one.exit_code for one in seen.latest] == [fact.generation.exit_code for fact in unexpected[:10]]
    assert [one.user_id for one in seen.latest] == [past.states[one.sandbox_id].user_id for one in unexpected[:10]]
    counted = past.count(
        seen.current.since,
        seen.freshness.now,
        lambda fact: _reason(fact) if fact.kind != "unexpected_end" else _where(fact),
    )
    tops = {(top.reason, top.image, top.host): top.count for top in seen.top_reasons}
    assert tops
    assert all(counted[key] == count for key, count in tops.items())
    assert [top.count for top in seen.top_reasons] == sorted((top.count for top in seen.top_reasons), reverse=True)


@pytest.mark.parametrize("by", ["host", "image", "worker"])
@pytest.mark.parametrize("hours", [1, 30, 24 * 5])
def test_the_timeline(past: Folded, reports: Reports, by: RowBy, hours: int) -> None:
    until = past.events[-1].recorded_at
    seen = reports.timeline.read(by, until - timedelta(hours=hours), until, max_rows=3)
    assert seen.bucket_count <= 122
    assert seen.since <= until - timedelta(hours=hours)
    assert seen.until >= until
    assert seen.since + timedelta(seconds=seen.bucket_seconds * seen.bucket_count) == seen.until

    def row_of(fact: Fact) -> str:
        one = fact.generation
        return {"host": one.host or "", "image": one.image, "worker": one.worker_id or ""}[by]

    totals: Counter[Any] = past.count(seen.since, seen.until, lambda fact: (row_of(fact), fact.kind))
    keys = {str(key[0]) for key in totals}
    assert len(keys) == seen.rows_left_out + len([row for row in seen.rows if row.key is not None])
    order = sorted(keys, key=lambda key: (-totals[key, "unexpected_end"], -_all_of(totals, key), key))
    assert [row.key for row in seen.rows] == [*order[:3], *([None] if len(keys) > 3 else [])]
    for row in seen.rows:
        named = order[3:] if row.key is None else [row.key]
        for kind in ("start", "start_failure", "unexpected_end", "expected_end"):
            assert row.totals.get(kind, 0) == sum(totals[key, kind] for key in named)

    def bucket_of(fact: Fact) -> tuple[str, int, str]:
        return row_of(fact), int((fact.at - seen.since).total_seconds() // seen.bucket_seconds), fact.kind

    cells: Counter[Any] = past.count(seen.since, seen.until, bucket_of)
    for row in seen.rows:
        if row.key is not None:
            found = {(row.key, number, kind): n for number, kinds in row.buckets.items() for kind, n in kinds.items()}
            assert found == {key: count for key, count in cells.items() if key[0] == row.key}


def test_marks(past: Folded, reports: Reports) -> None:
    until = past.events[-1].recorded_at + timedelta(seconds=1)
    seen = reports.timeline.read("host", until - timedelta(days=2), until)
    kinds = Counter(mark.kind for mark in seen.marks)
    types = Counter(recorded.event.type for recorded in past.events)
    assert kinds["operator_action"] == types["OperatorActionRequested"] > 0
    assert kinds["worker_lost"] == types["WorkerLost"]
    assert kinds["sweep"] >= types["SweepCompleted"] > 10
    assert seen.marks_left_out == 0
    assert [mark.at for mark in seen.marks] == sorted(mark.at for mark in seen.marks)


def test_totals(past: Folded, reports: Reports) -> None:
    seen = reports.system.totals(30.0)
    facts = past.facts()
    kinds = Counter(fact.kind for fact in facts)
    assert (seen.starts, seen.start_failures) == (kinds["start"], kinds["start_failure"])
    assert seen.restarts == sum(fact.is_restart for fact in facts)
    every = [one for generations in past.generations.values() for one in generations.values()]
    ends = Counter(one.end_reason for one in every)
    assert seen.ends == {reason: ends[reason] for reason in END_REASONS}
    assert seen.startup_seconds == pytest.approx(sum(one.startup_seconds or 0 for one in every))
    noticed = [one for one in every if one.died_at and one.finished_at]
    latencies = [max(0.0, (one.died_at - one.finished_at).total_seconds()) for one in noticed]  # type: ignore[operator]
    assert seen.detections == len(noticed) > 0
    assert seen.detection_seconds == pytest.approx(sum(latencies), abs=0.01)
    assert seen.awaiting_removal == sum(one.needs_removal for one in every)
    assert seen.events == len(past.events)
    types = Counter(recorded.event.type for recorded in past.events)
    assert (seen.workers_running, seen.workers_lost) == (12, types["WorkerLost"])
    assert seen.sweeps_finished > 50
    assert seen.last_sweep_at is not None


def test_the_system(past: Folded, reports: Reports) -> None:
    seen = reports.system.describe()
    assert seen.schema_matches
    assert (seen.events, seen.sandboxes) == (len(past.events), len(past.states))
    assert seen.generations == sum(len(one) for one in past.generations.values())
    assert seen.oldest_event_at == past.events[0].recorded_at
    assert seen.newest_event_at == past.events[-1].recorded_at
    assert seen.database_bytes is not None
    assert seen.database_bytes > 100_000


def _reason(fact: Fact) -> object:
    return fact.generation.end_reason if fact.kind in ("unexpected_end", "expected_end") else "no end"


def _where(fact: Fact) -> tuple[object, ...]:
    return fact.generation.end_reason, fact.generation.image, fact.generation.host


def _all_of(totals: Counter[Any], key: str) -> int:
    return sum(count for one, count in totals.items() if one[0] == key)
