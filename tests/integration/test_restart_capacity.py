"""restart() of a sandbox that has no container any more needs a place like any other start. Found by the chaos run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provider import CapacityExceeded, SandboxProvider, open_provider
from tests.support.file_engine import FileBackend


@pytest.fixture
def sandboxes(database_url: str, tmp_path: Path) -> Iterator[SandboxProvider]:
    """Give a provider with room for one."""
    engine = tmp_path / "engine"
    engine.mkdir()
    settings = {"database": {"url": database_url}, "sandbox": {"replicas": 1, "overflow": "reject"}}
    with open_provider({**settings, "sweeper": {"enabled": False}}, backend=FileBackend(engine)) as provider:
        yield provider


def test_a_restart_takes_no_place_that_is_in_use(sandboxes: SandboxProvider) -> None:
    gone = sandboxes.acquire("gone")
    sandboxes.destroy(gone)
    sandboxes.acquire("in use")
    with pytest.raises(CapacityExceeded):
        sandboxes.restart(gone)


def test_a_restart_may_take_the_place_of_a_warm_one(sandboxes: SandboxProvider) -> None:
    gone = sandboxes.acquire("gone")
    sandboxes.destroy(gone)
    warm = sandboxes.acquire("warm")
    sandboxes.release(warm)
    # overflow: reject says at once that there is no room only when nothing warm could be evicted.
    assert sandboxes.restart(gone).generation == 2
    assert sandboxes.get(warm) is None


def test_a_restart_of_the_last_place_keeps_it(sandboxes: SandboxProvider) -> None:
    assert sandboxes.restart(sandboxes.acquire("only")).generation == 2
