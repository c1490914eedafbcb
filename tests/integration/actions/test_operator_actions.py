from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from provider.core import faults
from provider.domain.actions import BulkOrder
from provider.domain.errors import (
    ActionUnderWay,
    BackendUnavailable,
    CommandReused,
    InvalidActionError,
    InvalidIdError,
    SandboxNotFound,
    SandboxStartError,
    VersionConflict,
)
from provider.domain.events import OperatorActionCompleted, OperatorActionRequested
from provider.runtime.sweep.sweep import SweepReport
from provider.testing import Gate
from tests.integration.actions.floor import Floor


def test_the_request_is_on_record_before_and_the_outcome_after(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    report = floor.actions.perform(floor.order("destroy", sandbox_id, reason="  out of\n memory ", command_id="k1"))
    assert (report.outcome, report.detail, report.repeated) == ("done", "destroyed", False)
    requested, completed = floor.ledger()
    assert requested.event == OperatorActionRequested(
        operator="ann", action="destroy", target=sandbox_id, reason="out of memory"
    )
    assert completed.event == OperatorActionCompleted(
        operator="ann", action="destroy", target=sandbox_id, outcome="done", detail="destroyed"
    )
    assert (requested.actor, requested.command_id, completed.command_id) == ("operator:ann", "k1", None)
    done = [one for one in floor.history(sandbox_id) if one.correlation_id == requested.correlation_id]
    assert [one.event.type for one in done] == ["SandboxEvicted", "SandboxDestroyed"]
    assert {one.actor for one in done} == {"operator:ann"}
    assert requested.position < done[0].position < done[-1].position < completed.position
    assert completed.correlation_id == requested.correlation_id == report.correlation_id
    assert floor.actions.perform(floor.order("destroy", sandbox_id)).detail == "was gone already"


def test_release_restart_and_clear(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    released = floor.actions.perform(floor.order("release", sandbox_id))
    assert released.value == (floor.worker.worker_id,)
    assert released.detail == f"released from {floor.worker.worker_id}"
    assert floor.actions.perform(floor.order("release", sandbox_id)).detail == "was held by nobody"
    assert floor.actions.perform(floor.order("restart", sandbox_id)).detail == "restarted as generation 2"
    floor.engine.kill(sandbox_id)
    assert floor.worker.get(sandbox_id) is None
    assert floor.store.load(sandbox_id).retry_at is not None
    assert floor.actions.perform(floor.order("clear", sandbox_id)).detail == "back-off cleared, crashes forgiven"
    assert floor.actions.perform(floor.order("clear", sandbox_id)).detail == "there was no back-off"
    assert floor.worker.acquire("thread") == sandbox_id


def test_a_sweep_is_tied_to_its_order_and_a_dry_run_changes_nothing(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    floor.engine.kill(sandbox_id)
    planned = floor.actions.perform(floor.order("dry_run"))
    assert planned.detail == "expected 1, observed 1: 1 planned"
    assert floor.status(sandbox_id) == "active"
    swept = floor.actions.perform(floor.order("sweep"))
    assert isinstance(swept.value, SweepReport)
    assert (swept.detail, swept.value.counts.dead) == ("expected 1, observed 1: 1 done, 0 failed", 1)
    died = next(one for one in floor.history(sandbox_id) if one.event.type == "SandboxDied")
    assert died.correlation_id == swept.correlation_id
    assert [one.event.target for one in floor.ledger()] == ["all sandboxes"] * 4  # type: ignore[attr-defined]


def test_what_the_engine_refuses_is_recorded_as_failed(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    floor.engine.faults.unavailable = frozenset({"destroy"})
    report = floor.actions.perform(floor.order("destroy", sandbox_id))
    assert report.outcome == "failed"
    assert isinstance(report.error, BackendUnavailable)
    completed = floor.ledger()[-1].event
    assert isinstance(completed, OperatorActionCompleted)
    assert (completed.outcome, completed.detail) == ("failed", str(report.error))
    floor.engine.faults.unavailable = frozenset()


def test_a_start_that_fails_is_recorded_as_failed(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    floor.engine.faults.creates_to_fail = 1
    report = floor.actions.perform(floor.order("restart", sandbox_id))
    assert (report.outcome, type(report.error)) == ("failed", SandboxStartError)


@pytest.mark.parametrize("action", ["release", "restart", "destroy", "clear"])
def test_a_sandbox_that_moved_on_is_left_alone(floor: Floor, action: str) -> None:
    sandbox_id = floor.worker.acquire("thread")
    seen = floor.version(sandbox_id)
    floor.worker.release(sandbox_id)
    before = floor.version(sandbox_id)
    with pytest.raises(VersionConflict, match=f"at version {before}, the decision was made on {seen}"):
        floor.actions.perform(floor.order(action, sandbox_id, seen_version=seen))
    assert floor.version(sandbox_id) == before
    assert floor.ledger() == []
    assert floor.actions.perform(floor.order(action, sandbox_id, seen_version=before)).outcome == "done"


@pytest.mark.parametrize("action", ["release", "restart", "destroy", "clear"])
def test_one_that_moves_on_after_the_request_is_refused(floor: Floor, action: str) -> None:
    sandbox_id = floor.worker.acquire("thread")
    seen = floor.version(sandbox_id)

    def move_on(point: str) -> None:
        if point == "append.OperatorActionRequested.after":
            faults.install(None)
            floor.worker.release(sandbox_id)

    faults.install(move_on)
    try:
        report = floor.actions.perform(floor.order(action, sandbox_id, seen_version=seen))
    finally:
        faults.install(None)
    assert (report.outcome, type(report.error)) == ("refused", VersionConflict)
    assert floor.status(sandbox_id) == "warm"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"reason": " \n "}, InvalidActionError, "reason: is empty"),
        ({"reason": "x" * 501}, InvalidActionError, "501 characters; at most 500"),
        ({"action": "explode"}, InvalidActionError, "'explode' is none of release, restart"),
        ({"target": "nonsense"}, InvalidIdError, "expected 16 hex digits"),
        ({"target": "0" * 16}, SandboxNotFound, "not in the ledger"),
        ({"operator": "a\x1bnn"}, InvalidIdError, "control character"),
        ({"command_id": "orphan:c1"}, InvalidActionError, "idempotency key"),
        ({"command_id": "a b"}, InvalidActionError, "idempotency key"),
        ({"command_id": ""}, InvalidActionError, "idempotency key"),
    ],
)
def test_what_cannot_be_asked_for_leaves_no_trace(
    floor: Floor, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    order = floor.order(**{"action": "destroy", "target": "a" * 16, **changes})
    with pytest.raises(error, match=words):
        floor.actions.perform(order)
    assert floor.ledger() == []


def test_the_same_key_acts_once_and_tells_the_first_outcome_in_any_process(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    floor.engine.faults.unavailable = frozenset({"destroy"})
    order = floor.order("destroy", sandbox_id, command_id="k1")
    first = floor.actions.perform(order)
    floor.engine.faults.unavailable = frozenset()
    calls = floor.engine.calls["destroy"]
    for _ in range(2):
        again = floor.open_actions().perform(order)
        assert (again.outcome, again.detail, again.repeated) == ("failed", first.detail, True)
        assert again.correlation_id == first.correlation_id
    assert floor.engine.calls["destroy"] == calls
    assert len(floor.ledger()) == 2
    with pytest.raises(CommandReused, match="used for another request"):
        floor.actions.perform(floor.order("restart", sandbox_id, command_id="k1"))


def test_a_repetition_meanwhile_is_told_so(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    gate = floor.engine.faults.gates["destroy"] = Gate()
    order = floor.order("destroy", sandbox_id, command_id="k1")
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(floor.actions.perform, order)
        gate.wait_entered()
        with pytest.raises(ActionUnderWay, match="has no outcome yet"):
            floor.open_actions().perform(order)
        gate.open()
        assert first.result().outcome == "done"
    assert floor.open_actions().perform(order).repeated


def test_many_at_once_with_one_key_act_once(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    order = floor.order("restart", sandbox_id, command_id="k1")
    crowd = [floor.open_actions() for _ in range(6)]

    def ask(number: int) -> str:
        try:
            return crowd[number].perform(order).detail
        except ActionUnderWay:
            return "under way"

    with ThreadPoolExecutor(6) as threads:
        told = set(threads.map(ask, range(6)))
    assert told <= {"restarted as generation 2", "under way"}
    assert "restarted as generation 2" in told
    assert floor.store.load(sandbox_id).generation == 2
    assert len(floor.ledger()) == 2


def test_an_unforeseen_end_is_recorded_without_its_words(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")

    def burst(point: str) -> None:
        if point == "append.SandboxEvicted.before":
            raise RuntimeError("hidden-word")

    faults.install(burst)
    try:
        with pytest.raises(RuntimeError, match="hidden-word"):
            floor.actions.perform(floor.order("destroy", sandbox_id))
    finally:
        faults.install(None)
    completed = floor.ledger()[-1].event
    assert isinstance(completed, OperatorActionCompleted)
    assert completed.outcome == "failed"
    assert "RuntimeError" in completed.detail
    assert "hidden-word" not in completed.detail


def test_a_killed_process_leaves_a_request_without_an_outcome(floor: Floor) -> None:
    sandbox_id = floor.worker.acquire("thread")
    order = floor.order("destroy", sandbox_id, command_id="k1")

    def die(point: str) -> None:
        if point == "engine.destroy.before":
            os.kill(os.getpid(), signal.SIGKILL)

    floor.actions.perform(floor.order("release", sandbox_id))  # opened before the fork: the child opens its own
    child = os.fork()
    if child == 0:
        faults.install(die)
        floor.actions.perform(order)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert [one.event.type for one in floor.ledger()][2:] == ["OperatorActionRequested"]
    with pytest.raises(ActionUnderWay, match="or its process was killed"):
        floor.actions.perform(order)
    assert floor.actions.perform(floor.order("destroy", sandbox_id)).outcome == "done"


def bulk(action: Any, count: int, **changes: Any) -> BulkOrder:
    order = {"operator": "ann", "action": action, "reason": "paged", "query": "user:x", "count": count}
    return BulkOrder(**{**order, **changes})


def test_a_bulk_is_one_order_and_tells_what_it_could_not_do(floor: Floor) -> None:
    ids = [floor.worker.acquire(f"thread-{number}") for number in range(5)]
    floor.engine.fail_destroy()
    report = floor.actions.perform_bulk(bulk("destroy", 5, command_id="k1"), lambda: ids)
    assert report.outcome == "failed"
    assert report.detail.startswith("4 done, 1 not; sandbox ")
    assert sorted(part.outcome for part in report.value) == ["done"] * 4 + ["failed"]  # type: ignore[union-attr]
    requested, completed = floor.ledger()
    assert isinstance(requested.event, OperatorActionRequested)
    assert requested.event.target == "5 matching user:x"
    assert completed.correlation_id == requested.correlation_id
    for sandbox_id in ids:
        last = floor.history(sandbox_id)[-1]
        assert (last.actor, last.correlation_id) == ("operator:ann", requested.correlation_id)
    again = floor.open_actions().perform_bulk(bulk("destroy", 5, command_id="k1"), lambda: ids)
    assert (again.repeated, again.detail) == (True, report.detail)


@pytest.mark.parametrize(("count", "words"), [(3, "2 match now, 3 were expected"), (501, "more than 500")])
def test_a_bulk_of_another_size_is_refused(floor: Floor, count: int, words: str) -> None:
    ids = [floor.worker.acquire(f"thread-{number}") for number in range(2)]
    report = floor.actions.perform_bulk(bulk("destroy", count), lambda: ids)
    assert report.outcome == "refused"
    assert words in report.detail
    assert {floor.status(sandbox_id) for sandbox_id in ids} == {"active"}


def test_a_bulk_sweep_is_none(floor: Floor) -> None:
    with pytest.raises(InvalidActionError, match="'sweep' is none of release, restart, destroy, clear"):
        floor.actions.perform_bulk(bulk("sweep", 0), list)
