"""Starts that fail, and what is left of them: S43, S44."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import docker
import pytest

from provider import BackendUnavailable, SandboxStartError
from provider.domain.ids import derive_sandbox_id
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import DockerAcceptanceEngine


@on("process", "docker")
def test_s43_a_sandbox_that_never_gets_ready_is_told_in_time_with_its_log(deployment: Deployment) -> None:
    worker = deployment.open_worker(readiness={"path": "/never", "timeout": 1})
    began = time.monotonic()

    with pytest.raises(SandboxStartError) as caught:
        worker.provider.acquire("thread-1")

    assert time.monotonic() - began < 45, "without the setting it is 60 seconds"
    error = caught.value
    assert (error.stage, error.sandbox_id) == ("readiness", derive_sandbox_id(None, "thread-1"))
    assert "listening on" in error.log_tail, "the container's last words"
    assert error.log_tail in str(error)
    _assert_failed_cleanly(deployment, error.sandbox_id, "readiness")
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    assert (sandbox.generation, sandbox.restarted) == (2, None), "nothing was lost: nobody ever had the first one"


def test_s43_a_failed_start_does_not_stand_in_the_way_of_the_next(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    worker.backend.fail("create", SandboxStartError("0" * 16, "create", "not today"), times=1)
    with pytest.raises(SandboxStartError, match="not today"):
        worker.provider.acquire("thread-1")
    _assert_failed_cleanly(deployment, derive_sandbox_id(None, "thread-1"), "create")
    assert worker.provider.ensure("thread-1").generation == 2


def test_s43_others_who_wait_for_a_start_that_fails_try_it_themselves(deployment: Deployment) -> None:
    unlucky, patient = deployment.open_worker(), deployment.open_worker()
    gate = unlucky.backend.hold("create")
    unlucky.backend.fail("create", SandboxStartError("0" * 16, "create", "not today"), times=1)
    failed = deployment.in_background(unlucky.provider.acquire, "thread-1")
    gate.wait_entered()
    waiting = deployment.in_background(patient.provider.acquire, "thread-1")
    gate.open()

    with pytest.raises(SandboxStartError, match="not today"):
        failed.result()
    sandbox = patient.provider.get(waiting.result())
    assert sandbox is not None
    assert sandbox.generation == 2


@on("docker")
def test_s43_a_container_that_ends_at_once_is_told_long_before_the_deadline(deployment: Deployment) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with changed_image(deployment.engine, "echo no moon today; sleep 0.5; exit 3") as image:
        # Longer than a test may take.
        worker = deployment.open_worker(image=image, readiness={"timeout": 600})
        with pytest.raises(SandboxStartError, match="no moon today") as caught:
            worker.provider.acquire("thread-1")
    _assert_failed_cleanly(deployment, caught.value.sandbox_id, caught.value.stage)


@on("docker")
def test_s44_a_missing_image_is_told_with_what_to_do(deployment: Deployment) -> None:
    worker = deployment.open_worker(image="sandbox-ledger/no-such-image:1")
    with pytest.raises(SandboxStartError, match=r"no-such-image:1.*image build") as caught:
        worker.provider.acquire("thread-1")
    assert caught.value.stage == "image"
    _assert_failed_cleanly(deployment, caught.value.sandbox_id, "image")
    assert deployment.open_worker().provider.ensure("thread-1").generation == 2


@on("process", "docker")
def test_s44_a_port_that_is_taken_is_passed_over(deployment: Deployment) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        taken = int(listener.getsockname()[1])
        worker = deployment.open_worker(port=taken)
        sandboxes = [worker.provider.ensure(thread) for thread in ("thread-1", "thread-2")]
        ports = [int(sandbox.url.rpartition(":")[2]) for sandbox in sandboxes]
        assert [sandbox.execute_command("echo alive").output for sandbox in sandboxes] == ["alive\n"] * 2
    assert taken < ports[0] < taken + 50
    assert ports[0] < ports[1] < taken + 50
    assert len(deployment.containers()) == 2


@on("docker")
def test_s44_a_name_that_is_taken_is_told_and_its_owner_is_left_alone(deployment: Deployment) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    sandbox_id = derive_sandbox_id(None, "thread-1")
    name = f"{deployment.settings().sandbox.container_prefix}-{sandbox_id}-g1"
    worker = deployment.open_worker()
    with deployment.engine.client() as client:
        stranger = client.create_container(deployment.engine.image, name=name)["Id"]
        try:
            with pytest.raises(SandboxStartError, match=f"{name} is taken"):
                worker.provider.acquire("thread-1")
            assert client.inspect_container(stranger)["State"]["Status"] == "created"
            assert worker.provider.ensure("thread-1").generation == 2
        finally:
            client.remove_container(stranger, force=True)
    _assert_failed_cleanly(deployment, sandbox_id, "create", containers=1)


def test_s44_a_creation_without_an_answer_leaves_nothing(deployment: Deployment) -> None:
    """The engine made the container, and its answer was lost."""
    worker = deployment.open_worker()
    worker.backend.fail_after("create", BackendUnavailable("the answer was lost"))
    with pytest.raises(BackendUnavailable, match="the answer was lost"):
        worker.provider.acquire("thread-1")
    assert worker.backend.calls["create"] == 1
    _assert_failed_cleanly(deployment, derive_sandbox_id(None, "thread-1"), "engine")
    assert worker.provider.ensure("thread-1").generation == 2


@on("fake")
def test_s44_an_error_text_that_no_database_can_hold_is_recorded_all_the_same(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    worker.backend.fail("create", SandboxStartError("0" * 16, "create", "bad \0 and \udcff bytes"), times=1)
    with pytest.raises(SandboxStartError, match="bad"):
        worker.provider.acquire("thread-1")
    _assert_failed_cleanly(deployment, derive_sandbox_id(None, "thread-1"), "create")


def _assert_failed_cleanly(deployment: Deployment, sandbox_id: str, stage: str, *, containers: int = 0) -> None:
    """The failure is recorded, and nothing of the attempt is on the engine in any state."""
    failed = deployment.audit.find_event(sandbox_id, "SandboxCreateFailed")
    assert failed.data["stage"] == stage
    assert failed.data["error"]
    assert deployment.audit.generations(sandbox_id)[0]["removed_at"] is not None
    assert len(deployment.containers()) == containers


@contextmanager
def changed_image(engine: DockerAcceptanceEngine, script: str) -> Iterator[str]:
    """Give an image whose containers run a script in place of the sandbox's server."""
    with engine.client() as client:
        tag = f"acceptance-changed:{time.monotonic_ns()}"
        made = client.create_container(engine.image)["Id"]
        try:
            _commit(client, made, tag, ["sh", "-c", script])
            yield tag
        finally:
            client.remove_container(made, force=True)
            client.remove_image(tag, force=True)


def _commit(client: docker.APIClient, container_id: str, tag: str, command: list[str]) -> None:
    repository, _, version = tag.partition(":")
    client.commit(container_id, repository=repository, tag=version, conf={"Cmd": command, "Entrypoint": None})
