"""What sweeps read and leave behind, the same on every database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from provider.domain.sweeps import Counts
from tests.unit.runtime.sweep_rig import SweepRig

FIELDS = ("number", "backend", "worker_id", "container_id", "container_name", "host", "creating_at")


@pytest.fixture
def rig(database_url: str) -> Iterator[SweepRig]:
    made = SweepRig(database_url)
    yield made
    made.close()


def test_what_is_open_is_read_as_the_states_say_it(rig: SweepRig) -> None:
    worker = rig.open()
    active, warm, gone, failing = (worker.acquire(name) for name in ("active", "warm", "gone", "failing"))
    worker.release(warm)
    worker.destroy(gone)
    rig.engine.kill(failing)
    rig.engine.set_unavailable("evidence")
    assert worker.get(failing) is None
    rig.engine.set_available()

    recorded = rig.sweeps.read_open()

    found = {sandbox.sandbox_id: sandbox for sandbox in recorded.sandboxes}
    assert set(found) == {active, warm, failing}
    for sandbox_id, sandbox in found.items():
        state = rig.store.load(sandbox_id)
        same = ("version", "status", "generation", "holders", "retry_at")
        assert [getattr(sandbox, name) for name in same] == [getattr(state, name) for name in same]
        for mine, theirs in zip(sandbox.generations, state.generations, strict=True):
            assert [getattr(mine, name) for name in FIELDS] == [getattr(theirs, name) for name in FIELDS]
            assert (mine.ended, mine.died) == (theirs.ended_at is not None, theirs.died_at is not None)
            assert mine.needs_evidence == theirs.needs_evidence
    assert found[failing].generations[0].needs_evidence
    assert found[active].holders == (worker.worker_id,)
    assert [row.worker_id for row in recorded.workers] == [worker.worker_id]
    assert abs(recorded.now - rig.store.now()) < timedelta(minutes=1)
    assert rig.sweeps.list_generations([active, gone, "unknown"]) == {active: 1, gone: 1}


def test_the_later_of_activity_and_event_counts(rig: SweepRig) -> None:
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    worker.sweep()
    rig.age(900)
    worker.release(sandbox_id)
    (sandbox,) = rig.sweeps.read_open().sandboxes
    assert sandbox.used_at == rig.store.load(sandbox_id).updated_at == rig.sweeps.find_used_at(sandbox_id)
    rig.store.touch({sandbox_id: 0.0})
    (sandbox,) = rig.sweeps.read_open().sandboxes
    assert sandbox.used_at == rig.sweeps.find_used_at(sandbox_id) != rig.store.load(sandbox_id).updated_at


def test_a_back_off_is_open_even_without_a_container(rig: SweepRig) -> None:
    worker = rig.open(restart_backoff={"free": 0, "initial": 300})
    sandbox_id = worker.acquire("t")
    rig.engine.kill(sandbox_id)
    assert worker.get(sandbox_id) is None
    (sandbox,) = rig.sweeps.read_open().sandboxes
    assert (sandbox.generations, sandbox.retry_at) == ((), rig.store.load(sandbox_id).retry_at)


def test_rows_of_sweeps_keep_their_counts(rig: SweepRig) -> None:
    began = rig.sweeps.begin("one", "worker-1", None)
    (row,) = rig.sweeps.list_recent()
    assert (row.started_at, row.finished_at, row.token) == (began, None, None)
    counts = Counts(expected=1, observed=2, dead=3, idle=4, orphaned=5, lost_workers=6, actions=7, failures=8)
    finished = rig.sweeps.finish("one", counts, "why")
    rig.sweeps.finish("one", Counts(), None)
    (row,) = rig.sweeps.list_recent()
    assert (row.finished_at, row.counts, row.error) == (finished, counts, "why")


def test_leases_are_found_with_what_is_left_of_them(rig: SweepRig) -> None:
    assert rig.leases.find("sweeper") is None
    token = rig.leases.acquire("sweeper", "me", 60)
    found = rig.leases.find("sweeper")
    assert found is not None
    assert (found.holder, found.token) == ("me", token)
    assert 0 < found.seconds_left <= 60


def test_streams_tell_their_length(rig: SweepRig) -> None:
    assert rig.store.version_of("ledger") == 0
    worker = rig.open()
    sandbox_id = worker.acquire("t")
    assert rig.store.version_of(f"sandbox:{sandbox_id}") == rig.store.load(sandbox_id).version
