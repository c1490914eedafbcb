"""What callers rely on beside the scenarios: release, destroy, restart, ensure, shutdown."""

from __future__ import annotations

from typing import Literal

import pytest

from provider import BackendUnavailable, ConfigError, SandboxGone, SandboxNotFound
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.observed import Moment


def test_acquire_is_idempotent_and_release_makes_it_warm(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    assert worker.provider.acquire("thread-1", user_id="alice") == sandbox_id
    assert worker.provider.acquire("thread-1", user_id="bob") != sandbox_id
    assert worker.provider.acquire("thread-1") != sandbox_id, "nobody is a user of its own"

    worker.provider.release(sandbox_id)
    worker.provider.release(sandbox_id)

    assert deployment.audit.sandbox(sandbox_id)["status"] == "warm"
    assert deployment.audit.types(sandbox_id)[3:] == ["SandboxAcquired", "SandboxReleased"]
    assert worker.provider.get(sandbox_id) is not None, "warm is alive"
    assert worker.provider.acquire("thread-1", user_id="alice") == sandbox_id
    assert deployment.audit.events(sandbox_id)[-1].data["how"] == "warm"
    assert len(deployment.containers()) == 3


def test_a_sandbox_is_warm_only_when_its_last_holder_lets_go(deployment: Deployment) -> None:
    first, second = deployment.open_worker(), deployment.open_worker()
    sandbox_id = first.provider.acquire("thread-1")
    assert second.provider.acquire("thread-1") == sandbox_id
    assert deployment.audit.events(sandbox_id)[-1].data["how"] == "shared"

    first.provider.release(sandbox_id)
    row = deployment.audit.sandbox(sandbox_id)
    assert (row["status"], row["holders"]) == ("active", [second.worker_id])
    second.provider.release(sandbox_id)
    assert deployment.audit.sandbox(sandbox_id)["status"] == "warm"


def test_without_a_thread_every_acquire_is_a_fresh_sandbox(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    first, second = worker.provider.acquire(user_id="alice"), worker.provider.acquire(user_id="alice")
    assert first != second
    assert len(deployment.containers()) == 2


def test_destroy_removes_the_container_and_is_idempotent(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    other.provider.acquire("thread-1")

    other.provider.destroy(sandbox_id, actor="operator:eve")
    written = deployment.audit.count_events()
    worker.provider.destroy(sandbox_id)
    worker.provider.release(sandbox_id)

    assert deployment.audit.count_events() == written
    assert deployment.containers() == []
    assert worker.provider.get(sandbox_id) is None
    assert other.provider.get(sandbox_id) is None
    evicted, destroyed = deployment.audit.events(sandbox_id)[-2:]
    assert (evicted.type, evicted.data["reason"], evicted.actor) == ("SandboxEvicted", "request", "operator:eve")
    assert (destroyed.type, deployment.audit.sandbox(sandbox_id)["status"]) == ("SandboxDestroyed", "gone")


def test_a_destroyed_sandbox_comes_back_on_the_next_acquire(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.provider.destroy(sandbox_id)

    sandbox = worker.provider.ensure("thread-1")

    assert (sandbox.id, sandbox.generation) == (sandbox_id, 2)
    assert sandbox.restarted is not None
    assert (sandbox.restarted.cause, sandbox.restarted.previous_generation) == ("request", 1)


def test_a_removal_that_fails_is_told_and_done_by_the_next_destroy(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.backend.fail("destroy", BackendUnavailable("the engine is tired"), times=1)

    with pytest.raises(BackendUnavailable, match=f"{sandbox_id}.*tired"):
        worker.provider.destroy(sandbox_id)
    assert worker.provider.get(sandbox_id) is None
    worker.provider.destroy(sandbox_id)
    assert deployment.containers() == []


@on("fake")
@pytest.mark.parametrize("call", ["release", "destroy", "restart"])
def test_an_unknown_id_is_told_as_such(deployment: Deployment, call: str) -> None:
    worker = deployment.open_worker()
    with pytest.raises(SandboxNotFound, match="0123456789abcdef"):
        getattr(worker.provider, call)("0123456789abcdef")
    assert deployment.audit.count_events() == 0
    assert worker.backend.calls == {}


@on("fake")
def test_destroy_takes_only_reasons_that_the_history_knows(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    with pytest.raises(ConfigError, match=r"boredom.*crashed"):
        worker.provider.destroy(sandbox_id, reason="boredom")  # type: ignore[arg-type]
    assert worker.provider.get(sandbox_id) is not None


def test_restart_keeps_the_id_and_the_holders_and_raises_the_generation(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    other.provider.acquire("thread-1")
    old = deployment.find_container(sandbox_id)

    sandbox = worker.provider.restart(sandbox_id, actor="operator:eve")

    assert (sandbox.id, sandbox.generation) == (sandbox_id, 2)
    assert sandbox.restarted is not None
    assert sandbox.restarted.cause == "request"
    deployment.wait_for_removals()
    assert deployment.find_container(sandbox_id).container_id != old.container_id
    assert set(deployment.audit.sandbox(sandbox_id)["holders"]) == {worker.worker_id, other.worker_id}
    seen_by_the_other = other.provider.get(sandbox_id)
    assert seen_by_the_other is not None
    assert seen_by_the_other.generation == 2
    assert {event.actor for event in deployment.audit.events(sandbox_id) if event.generation == 2} == {"operator:eve"}


def test_restart_brings_back_what_was_destroyed(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.provider.destroy(sandbox_id)

    assert worker.provider.restart(sandbox_id).generation == 2
    assert deployment.audit.sandbox(sandbox_id)["status"] == "warm", "nobody holds it"


def test_ensure_gives_a_living_sandbox_whatever_was_before(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    first = worker.provider.ensure("thread-1", user_id="alice")
    assert worker.provider.ensure("thread-1", user_id="alice") is first
    deployment.kill(first.id)
    assert worker.provider.ensure("thread-1", user_id="alice").generation == 2


@on("fake")
def test_ensure_gives_up_on_a_sandbox_that_dies_at_once_every_time(deployment: Deployment) -> None:
    worker = deployment.open_worker(liveness="inspect")
    doomed = deployment.open_worker(liveness="inspect")
    sandbox_id = worker.provider.acquire("thread-1")
    deployment.kill(sandbox_id)
    worker.provider.destroy(sandbox_id)
    doomed.backend.dies_at_once = True

    with pytest.raises(SandboxGone, match=f"{sandbox_id}.*died 3 times"):
        doomed.provider.ensure("thread-1")
    assert deployment.audit.types(sandbox_id).count("SandboxDied") == 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_sandbox_destroyed_while_it_starts_leaves_nothing(deployment: Deployment, moment: Moment) -> None:
    worker, operator = deployment.open_worker(), deployment.open_worker()
    gate = worker.backend.hold("create", moment=moment)
    acquired = deployment.in_background(worker.provider.acquire, "thread-1")
    gate.wait_entered()
    (sandbox_id,) = (row["sandbox_id"] for row in deployment.audit.rows("SELECT sandbox_id FROM sandboxes"))
    operator.provider.destroy(sandbox_id)
    gate.open()
    with pytest.raises(SandboxGone, match=f"{sandbox_id}.*acquire"):
        acquired.result()

    assert deployment.containers() == []
    assert worker.provider.ensure("thread-1").generation == 2


def test_shutdown_keeps_containers_and_is_idempotent(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")

    worker.provider.shutdown()
    written = deployment.audit.count_events()
    worker.provider.shutdown()

    assert deployment.audit.count_events() == written
    released = deployment.audit.find_event(sandbox_id, "SandboxReleased")
    assert released.data["cause"] == "shutdown"
    assert deployment.audit.sandbox(sandbox_id)["status"] == "warm"
    assert deployment.open_worker().provider.ensure("thread-1").generation == 1


@pytest.mark.parametrize(
    ("policy", "survivors"),
    [
        ("keep", {"own", "taken over", "shared"}),
        ("destroy_own", {"taken over", "shared"}),
        ("destroy_if_last", {"shared"}),
    ],
)
def test_shutdown_destroys_what_its_policy_says(
    deployment: Deployment, policy: Literal["keep", "destroy_own", "destroy_if_last"], survivors: set[str]
) -> None:
    other, worker = deployment.open_worker(), deployment.open_worker(on_shutdown=policy)
    ids = {other.provider.acquire("taken over"): "taken over"}
    for sandbox_id in ids:
        other.provider.release(sandbox_id)
    ids |= {worker.provider.acquire(thread): thread for thread in ("own", "taken over", "shared")}
    other.provider.acquire("shared")

    worker.provider.shutdown()

    assert {ids[found.info.sandbox_id] for found in deployment.containers()} == survivors
    for sandbox_id, thread in ids.items():
        row = deployment.audit.sandbox(sandbox_id)
        assert worker.worker_id not in row["holders"]
        assert (row["status"] == "gone") is (thread not in survivors)
