"""Crash-loop back-off: which crashes weigh, and how long the next start waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.policy import BackoffPolicy, Crash

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = BackoffPolicy(free=2, window=100, initial=10, max=50, reset_after=60)


def crash(seconds_ago: float, uptime: float = 1.0) -> Crash:
    return Crash(at=NOW - timedelta(seconds=seconds_ago), uptime_seconds=uptime)


def test_the_free_crashes_cost_nothing() -> None:
    assert POLICY.retry_at([], NOW) is None
    assert POLICY.retry_at([crash(2), crash(1)], NOW) is None


@pytest.mark.parametrize(("crashes", "delay"), [(3, 10), (4, 20), (5, 40), (6, 50), (7, 50), (1000, 50)])
def test_each_further_one_doubles_the_delay_up_to_the_maximum(crashes: int, delay: float) -> None:
    assert POLICY.retry_at([crash(0.01)] * crashes, NOW) == NOW + timedelta(seconds=delay)


def test_crashes_older_than_the_window_do_not_weigh() -> None:
    assert POLICY.count([crash(101), crash(100), crash(1)], NOW) == 2


def test_a_healthy_run_forgives_the_crashes_before_it() -> None:
    assert POLICY.count([crash(3), crash(2, uptime=60), crash(1)], NOW) == 2
    assert POLICY.count([crash(3), crash(2, uptime=59.9), crash(1)], NOW) == 3


def test_no_free_crash_at_all() -> None:
    strict = BackoffPolicy(free=0, window=100, initial=10, max=50, reset_after=60)
    assert strict.retry_at([crash(0)], NOW) == NOW + timedelta(seconds=10)


@given(
    st.lists(st.builds(crash, st.floats(0, 1000), st.floats(0, 1000)), max_size=40),
    st.builds(crash, st.just(0.0), st.floats(0, 59)),
)
def test_one_more_crash_never_shortens_the_wait(crashes: list[Crash], another: Crash) -> None:
    before = sorted(crashes, key=lambda c: c.at)
    waits = [POLICY.retry_at(listed, NOW) or NOW for listed in (before, [*before, another])]
    assert waits[0] <= waits[1] <= NOW + timedelta(seconds=POLICY.max)
