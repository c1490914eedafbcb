"""S48: a sandbox that crashes again and again is not started again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from provider import CrashLoopBackOff, SandboxNotFound, SandboxProvider, open_provider
from provider.testing import FakeBackend
from tests.support.waiting import wait_until

FREE = 2
INITIAL = 60.0

Open = Callable[..., SandboxProvider]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def open_worker(database_url: str, backend: FakeBackend) -> Open:
    def opened(**backoff: float) -> SandboxProvider:
        section = {"restart_backoff": {"free": FREE, "initial": INITIAL, **backoff}}
        return open_provider({"database": {"url": database_url}, "sandbox": section}, backend=backend)

    return opened


def crash(sandboxes: SandboxProvider, backend: FakeBackend, times: int) -> str:
    sandbox_id = ""
    for _ in range(times):
        sandbox_id = sandboxes.acquire("t")
        backend.kill(sandbox_id, exit_code=3)
        assert sandboxes.get(sandbox_id) is None
    return sandbox_id


def test_s48_back_off_survives_the_worker_and_has_the_evidence(open_worker: Open, backend: FakeBackend) -> None:
    with open_worker() as sandboxes:
        sandbox_id = crash(sandboxes, backend, FREE + 1)
    before = datetime.now(UTC)
    with open_worker() as restarted:
        with pytest.raises(CrashLoopBackOff) as refused:
            restarted.acquire("t")
        assert restarted.acquire("another") != sandbox_id
    wait = refused.value.retry_at - before
    assert timedelta(0) < wait <= timedelta(seconds=INITIAL)
    assert refused.value.evidence is not None
    assert (refused.value.evidence["exit_code"], refused.value.evidence["generation"]) == (3, FREE + 1)
    assert backend.calls["create"] == FREE + 2


def test_s48_an_operator_clears_it_and_forgives(open_worker: Open, backend: FakeBackend) -> None:
    with open_worker() as sandboxes:
        sandbox_id = crash(sandboxes, backend, FREE + 1)
        sandboxes.clear_backoff(sandbox_id, actor="operator:ann")
        sandboxes.clear_backoff(sandbox_id, actor="operator:ann")
        assert crash(sandboxes, backend, FREE) == sandbox_id  # all free crashes are given again
        assert sandboxes.acquire("t") == sandbox_id


def test_s48_it_ends_by_itself(open_worker: Open, backend: FakeBackend) -> None:
    with open_worker(initial=1.0) as sandboxes:
        sandbox_id = crash(sandboxes, backend, FREE + 1)
        with pytest.raises(CrashLoopBackOff):
            sandboxes.acquire("t")

        def acquired() -> str | None:
            try:
                return sandboxes.acquire("t")
            except CrashLoopBackOff:
                return None

        assert wait_until(acquired, what="the end of the back-off") == sandbox_id


def test_s48_nothing_to_clear_for_an_unknown_sandbox(open_worker: Open) -> None:
    with open_worker() as sandboxes, pytest.raises(SandboxNotFound):
        sandboxes.clear_backoff("0123456789abcdef")
