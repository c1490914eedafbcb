"""The verdict: what the numbers must add up to, with tables for cases and properties for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.verdict import Bucket, Reason, Signals, reach_verdict, unavailable

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
MINUTES = 60


def signals(
    ends: Mapping[int, int] | None = None,
    failures: Mapping[int, int] | None = None,
    starts: Mapping[int, int] | None = None,
    **changes: object,
) -> Signals:
    """Make the signals of an hour; the keys are minutes ago (1: the last one)."""

    def bucket(number: int) -> Bucket:
        ago = MINUTES - number
        return Bucket(
            start_at=NOW - timedelta(minutes=ago), seconds=60, starts=(starts or {}).get(ago, 0),
            start_failures=(failures or {}).get(ago, 0), unexpected_ends=(ends or {}).get(ago, 0),
        )  # fmt: skip

    healthy = Signals(
        now=NOW, buckets=[bucket(number) for number in range(MINUTES)], normal_unexpected_ends=4.0,
        normal_start_failures=0.0, reasons=(), last_sweep_at=NOW - timedelta(seconds=20), sweep_interval_seconds=30.0,
        workers_running=3, workers_silent=0,
    )  # fmt: skip
    return dataclasses.replace(healthy, **changes)  # type: ignore[arg-type]


def oom(count: int, image: str = "X") -> Reason:
    return Reason(reason="oom", image=image, host="h", count=count, last_at=NOW)


BURST = {28: 2, 25: 5, 20: 10, 12: 8, 6: 7, 2: 5}
QUIET_BURST = {50: 9, 49: 9}
STEADY = dict.fromkeys(range(1, 61, 15), 1)


@pytest.mark.parametrize(
    ("given_signals", "level", "sentence"),
    [
        (signals(), "healthy", "Healthy: no unexpected ends and no failed starts in the last hour"),
        (signals({30: 1}), "healthy", "Healthy: 1 unexpected end and no failed starts in the last hour"),
        (signals({30: 1, 3: 1}, normal_unexpected_ends=None), "healthy", "Healthy: 2 unexpected ends and"),
        (signals(STEADY), "healthy", "Healthy: 4 unexpected ends and"),
        (signals(BURST, reasons=[oom(34), oom(3, "Y")]), "degraded",
         "Degraded since 14:02 UTC: 37 unexpected ends, 20\u00d7 normal; 34 out of memory on image X"),
        (signals(BURST, reasons=[oom(19), oom(19, "Y")]), "degraded", "normal; 19 out of memory on image X"),
        (signals(BURST, reasons=[oom(12, "X"), oom(12, "Y"), oom(13, "Z")]), "degraded",
         "Degraded since 14:02 UTC: 37 unexpected ends, 20\u00d7 normal"),
        (signals(BURST, normal_unexpected_ends=None), "degraded", "since 14:02 UTC: 37 unexpected ends"),

        (signals(BURST, normal_unexpected_ends=40.0), "degraded",
         "Degraded since 14:10 UTC: 30 unexpected ends, 2\u00d7 normal"),
        (signals(BURST, normal_unexpected_ends=100.0), "healthy", "Healthy: 37 unexpected ends"),
        (signals({5: 3}, normal_unexpected_ends=0.0), "degraded", "Degraded since 14:25 UTC: 3 unexpected ends"),
        (signals(QUIET_BURST), "healthy", "Healthy again: 18 cases from 13:40 UTC to 13:42 UTC, none since"),
        (signals(failures={9: 2, 4: 3}, last_start_error="image: no such image"), "down",
         "Down since 14:21 UTC: none of 5 starts succeeded; the last error: image: no such image"),
        (signals(failures={9: 2, 4: 3}, starts={5: 1}), "degraded",
         "Degraded since 14:21 UTC: 5 failed starts where there are next to none normally"),
        (signals(failures={9: 2, 4: 3}, starts={40: 100}), "down", "Down since 14:21 UTC"),
        (signals(failures={9: 1, 4: 1}), "healthy", "Healthy: no unexpected ends and 2 failed starts"),
        (signals(last_sweep_at=None), "unknown", "Unknown: no sweep has ever finished"),
        (signals(last_sweep_at=NOW - timedelta(minutes=2)), "unknown", "no sweep has finished since 14:28 UTC"),
        (signals(last_sweep_at=NOW - timedelta(days=2)), "unknown", "no sweep has finished since 2026-11-22 14:30 UTC"),
        (signals(workers_silent=3), "unknown", "Unknown: none of 3 workers shows life"),
        (signals(workers_silent=2), "healthy", "Healthy"),
        (signals(workers_running=0), "healthy", "Healthy"),
        (signals(BURST, last_sweep_at=None), "degraded", "; and no sweep has ever finished"),
    ],
)  # fmt: skip
def test_verdicts(given_signals: Signals, level: str, sentence: str) -> None:
    verdict = reach_verdict(given_signals)
    assert (verdict.level, sentence in verdict.sentence) == (level, True), verdict.sentence


def test_a_store_that_cannot_be_read_is_unknown() -> None:
    assert unavailable("no answer").level == "unknown"
    assert "no answer" in unavailable("no answer").sentence


COUNTS = st.dictionaries(st.integers(1, 60), st.integers(0, 50), max_size=60)


@given(COUNTS, COUNTS, COUNTS, st.none() | st.floats(0, 1000))
def test_a_blind_ledger_is_never_healthy(
    ends: Mapping[int, int], failures: Mapping[int, int], starts: Mapping[int, int], normal: float | None
) -> None:
    blind = signals(ends, failures, starts, normal_unexpected_ends=normal, last_sweep_at=None)
    assert reach_verdict(blind).level != "healthy"


@given(COUNTS, st.none() | st.floats(0, 1000))
def test_trouble_begins_with_a_case_and_is_counted_from_there(ends: Mapping[int, int], normal: float | None) -> None:
    given_signals = signals(ends, normal_unexpected_ends=normal)
    verdict = reach_verdict(given_signals)
    if verdict.level == "degraded":
        assert verdict.since is not None
        since = [bucket for bucket in given_signals.buckets if bucket.start_at >= verdict.since]
        assert since[0].unexpected_ends > 0
        assert verdict.count == sum(bucket.unexpected_ends for bucket in since)


@given(COUNTS, st.floats(0, 100), st.floats(0, 100))
def test_what_is_abnormal_stays_so_where_less_is_normal(ends: Mapping[int, int], one: float, other: float) -> None:
    low, high = sorted((one, other))
    if reach_verdict(signals(ends, normal_unexpected_ends=high)).level == "degraded":
        verdict = reach_verdict(signals(ends, normal_unexpected_ends=low))
        assert verdict.level == "degraded" or verdict.sentence.startswith("Healthy again")


@given(st.integers(1, 60), st.integers(0, 2))
def test_fewer_than_three_cases_are_no_trouble(minute: int, count: int) -> None:
    assert reach_verdict(signals({minute: count}, normal_unexpected_ends=0.0)).level == "healthy"


def test_no_cause_is_named_that_has_less_than_half() -> None:
    assert "image" not in reach_verdict(signals(BURST, reasons=[oom(18), oom(10, "Y"), oom(9, "Z")])).sentence


def test_more_normal_or_less_does_not_matter_without_cases() -> None:
    levels: Sequence[str] = [reach_verdict(signals(normal_unexpected_ends=n)).level for n in (None, 0.0, 1e9)]
    assert levels == ["healthy"] * 3
