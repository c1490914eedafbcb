"""Looking a sandbox up: S01, S02, S05, S06."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provider import SandboxGone
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.waiting import wait_until


def test_s01_get_of_a_running_sandbox_looks_at_its_container_exactly_once(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    before = worker.backend.calls

    sandbox = worker.provider.get(sandbox_id)

    assert sandbox is not None
    assert (sandbox.id, sandbox.generation, sandbox.restarted) == (sandbox_id, 1, None)
    assert worker.backend.calls - before == {"probe": 1}, "the kernel is asked once, the engine never"


def test_s01_without_the_kernel_the_engine_is_asked_exactly_once(deployment: Deployment) -> None:
    worker = deployment.open_worker(liveness="inspect")
    sandbox_id = worker.provider.acquire("thread-1")
    before = worker.backend.calls

    assert worker.provider.get(sandbox_id) is not None
    assert worker.backend.calls - before == {"is_alive": 1}


def test_s01_get_moves_the_activity_time(deployment: Deployment) -> None:
    first, second = deployment.open_worker(), deployment.open_worker()
    sandbox_id = first.provider.acquire("thread-1")
    first.provider.shutdown()
    acquired_at = deployment.audit.last_activity(sandbox_id)
    assert acquired_at is not None, "an acquire is activity"

    assert second.provider.get(sandbox_id) is not None
    second.provider.shutdown()

    looked_up_at = deployment.audit.last_activity(sandbox_id)
    assert looked_up_at is not None
    assert looked_up_at > acquired_at


@on("fake")
def test_s01_every_get_moves_the_activity_time(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    acquired_at = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) - acquired_at > timedelta(milliseconds=50), what="the clock to move on")

    assert worker.provider.get(sandbox_id) is not None
    worker.provider.shutdown()

    looked_up_at = deployment.audit.last_activity(sandbox_id)
    assert looked_up_at is not None
    assert looked_up_at > acquired_at + timedelta(milliseconds=40)


@on("process", "docker")
def test_s01_the_sandbox_works(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox = worker.provider.ensure("thread-1", user_id="alice")

    sandbox.write_file("note.txt", "grüße\n")
    assert sandbox.execute_command("cat note.txt").output == "grüße\n"
    assert sandbox.execute_command("exit 7").exit_code == 7


def test_s02_without_auto_restart_get_never_checks_and_evicts_nothing(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(auto_restart=False), deployment.open_worker(auto_restart=False)
    sandbox_id = worker.provider.acquire("thread-1")
    known = worker.provider.get(sandbox_id)
    deployment.kill(sandbox_id)
    calls, events = worker.backend.calls, deployment.audit.count_events()

    assert known is not None
    assert worker.provider.get(sandbox_id) is known
    assert worker.backend.calls == calls
    assert other.provider.get(sandbox_id) is not None, "nor does a worker that sees it for the first time"
    assert other.backend.calls == {}
    assert deployment.audit.count_events() == events


@on("process", "docker")
def test_s02_a_dead_sandbox_that_is_not_checked_says_so_when_used(deployment: Deployment) -> None:
    worker = deployment.open_worker(auto_restart=False)
    sandbox = worker.provider.ensure("thread-1")
    deployment.kill(sandbox.id)

    with pytest.raises(SandboxGone, match=f"{sandbox.id}.*acquire"):
        sandbox.execute_command("true")


@on("fake")
def test_s05_get_of_an_unknown_id_is_none_without_an_engine_call(deployment: Deployment) -> None:
    for worker in (deployment.open_worker(), deployment.open_worker(auto_restart=False)):
        for unknown in ("0123456789abcdef", "no-such-id", "", "é" * 16):
            assert worker.provider.get(unknown) is None
        assert worker.backend.calls == {}
    assert deployment.audit.count_events() == 0


def test_s06_a_sandbox_without_container_information_is_returned_unchecked(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    worker.backend.hides_container_ids = True
    sandbox_id = worker.provider.acquire("thread-1")
    before = worker.backend.calls

    assert worker.provider.get(sandbox_id) is not None
    deployment.kill(sandbox_id)
    assert worker.provider.get(sandbox_id) is not None
    assert worker.backend.calls == before

    worker.provider.destroy(sandbox_id)
    assert deployment.containers() == [], "it is found by its name when it has to go"


def test_s06_another_worker_does_not_check_it_either(deployment: Deployment) -> None:
    maker, other = deployment.open_worker(), deployment.open_worker(liveness="inspect")
    maker.backend.hides_container_ids = True
    sandbox_id = maker.provider.acquire("thread-1")

    assert other.provider.get(sandbox_id) is not None
    assert other.backend.calls == {}
