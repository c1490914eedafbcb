"""An engine that is slow, late, silent or unclear: S07, S10, S11, S12."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provider import BackendUnavailable, open_provider
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import DockerAcceptanceEngine
from tests.support.acceptance.observed import Moment
from tests.support.docker_engine import PrivateDockerEngine
from tests.support.relay import relaying
from tests.support.sandbox_image import build_sandbox_image
from tests.support.waiting import wait_until

MISLEADING_ANSWERS = [
    ("404 Not Found", "context not found"),
    ("404 Not Found", "page not found"),
    ("500 Internal Server Error", "exec: docker-proxy: command not found"),
    ("502 Bad Gateway", "No such container"),
]


def test_s07_nobody_waits_for_a_slow_check(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(liveness="inspect"), deployment.open_worker()
    slow = worker.provider.acquire("slow")
    fast = worker.provider.acquire("fast")
    gate = worker.backend.hold("is_alive", slow)
    checked = deployment.in_background(worker.provider.get, slow)
    gate.wait_entered()

    assert worker.provider.get(fast) is not None
    assert worker.provider.acquire("fast") == fast
    assert worker.provider.acquire("another")
    assert other.provider.acquire("slow") == slow
    other.provider.release(slow)
    worker.provider.release(slow)
    worker.provider.release(fast)
    _assert_no_transaction_is_open(deployment)

    assert not checked.done()
    gate.open()
    assert checked.result() is not None


def test_s07_nobody_waits_for_a_slow_removal(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    doomed = worker.provider.acquire("doomed")
    gate = worker.backend.hold("destroy", doomed)
    destroyed = deployment.in_background(worker.provider.destroy, doomed)
    gate.wait_entered()

    assert worker.provider.get(doomed) is None, "it is out of the mapping before it is removed"
    assert worker.provider.get(worker.provider.acquire("another")) is not None
    worker.provider.release(doomed)
    _assert_no_transaction_is_open(deployment)

    assert not destroyed.done()
    gate.open()
    destroyed.result()
    assert doomed not in {found.info.sandbox_id for found in deployment.containers()}


def test_s07_a_slow_start_holds_up_nobody_else(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    ready = worker.provider.acquire("ready")
    gate = worker.backend.hold("create")
    started = deployment.in_background(worker.provider.acquire, "slow")
    gate.wait_entered()

    assert worker.provider.get(ready) is not None
    assert worker.provider.acquire("ready") == ready
    worker.provider.release(ready)
    _assert_no_transaction_is_open(deployment)

    assert not started.done()
    gate.open()
    assert worker.provider.get(started.result()) is not None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_s10_a_late_answer_about_a_replaced_container_harms_nothing(deployment: Deployment, moment: Moment) -> None:
    worker, other = deployment.open_worker(liveness="inspect"), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    gate = worker.backend.hold("is_alive", sandbox_id, moment=moment)
    checked = deployment.in_background(worker.provider.get, sandbox_id)
    gate.wait_entered()
    other.provider.restart(sandbox_id)
    deployment.wait_for_removals()
    written = deployment.audit.count_events()
    gate.open()
    sandbox = checked.result()

    assert sandbox is not None
    assert sandbox.generation == 2
    assert deployment.audit.count_events() == written, "the late answer is about nobody and is not recorded"
    assert [found.info.generation for found in deployment.containers()] == [2]


def test_s10_a_late_death_notice_does_not_kill_the_next_generation(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(liveness="inspect"), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    gate = worker.backend.hold("is_alive", sandbox_id, moment="after")
    deployment.kill(sandbox_id)
    acquired = deployment.in_background(worker.provider.acquire, "thread-1")
    gate.wait_entered()
    assert other.provider.ensure("thread-1").generation == 2
    gate.open()
    assert acquired.result() == sandbox_id

    assert deployment.audit.types(sandbox_id).count("SandboxDied") == 1
    assert [found.info.generation for found in deployment.containers()] == [2]
    assert set(deployment.audit.sandbox(sandbox_id)["holders"]) == {worker.worker_id, other.worker_id}


def test_s10_a_lookup_that_comes_late_does_not_bring_back_the_old_container(deployment: Deployment) -> None:
    maker, worker = deployment.open_worker(), deployment.open_worker()
    sandbox_id = maker.provider.acquire("thread-1")
    gate = worker.backend.hold("liveness")
    late = deployment.in_background(worker.provider.get, sandbox_id)
    gate.wait_entered()
    worker.backend.let_pass("liveness")
    maker.provider.restart(sandbox_id)
    sandbox = worker.provider.get(sandbox_id)
    assert sandbox is not None
    assert sandbox.generation == 2

    gate.open()

    assert late.result() is sandbox
    assert worker.provider.get(sandbox_id) is sandbox


@on("fake")
@pytest.mark.parametrize("words", ["the engine does not answer", "docker: command not found", "context not found"])
def test_s12_an_engine_that_cannot_tell_evicts_nothing(deployment: Deployment, words: str) -> None:
    worker = deployment.open_worker(liveness="inspect")
    sandbox_id = worker.provider.acquire("thread-1")
    written = deployment.audit.count_events()
    worker.backend.fail("is_alive", BackendUnavailable(words))

    assert worker.provider.get(sandbox_id) is not None
    assert worker.provider.acquire("thread-1") == sandbox_id
    assert deployment.audit.count_events() == written


@on("fake")
@pytest.mark.parametrize("surprise", [RuntimeError("No such container"), FileNotFoundError(2, "no docker"), KeyError()])
def test_s12_a_backend_that_breaks_its_contract_evicts_nothing(deployment: Deployment, surprise: Exception) -> None:
    worker, other = deployment.open_worker(liveness="inspect"), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    written = deployment.audit.count_events()
    worker.backend.fail("is_alive", surprise)
    other.backend.fail("liveness", surprise)

    assert worker.provider.get(sandbox_id) is not None
    assert other.provider.get(sandbox_id) is not None
    assert deployment.audit.count_events() == written


@on("docker")
def test_s12_an_answer_that_only_sounds_like_not_found_is_no_proof(deployment: Deployment, tmp_path: Path) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with relaying(tmp_path / "relay.sock", deployment.engine.base_url) as relay:
        worker = deployment.open_worker(liveness="inspect", engine=relay.base_url)
        sandbox_id = worker.provider.acquire("thread-1")
        history = deployment.audit.types(sandbox_id)
        for status, message in MISLEADING_ANSWERS:
            relay.answer(status, message)
            assert worker.provider.get(sandbox_id) is not None, message
            with pytest.raises(BackendUnavailable):
                worker.provider.acquire("thread-2")
        assert deployment.audit.types(sandbox_id) == history

        relay.pass_on()
        deployment.kill(sandbox_id)
        assert worker.provider.get(sandbox_id) is None, "when the engine is sure, it counts"
        worker.provider.acquire("thread-2")  # which finishes what its failed attempts left


@on("docker")
def test_s11_a_silent_engine_costs_one_deadline_and_evicts_nothing(deployment: Deployment, tmp_path: Path) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with relaying(tmp_path / "relay.sock", deployment.engine.base_url) as relay:
        worker = deployment.open_worker(liveness="inspect", engine=relay.base_url, engine_timeout=0.5)
        sandbox_id = deployment.open_worker().provider.acquire("thread-1")
        written = deployment.audit.count_events()
        relay.fall_silent()

        asked, began = worker.backend.calls, time.monotonic()
        assert worker.provider.get(sandbox_id) is not None
        assert time.monotonic() - began >= 0.5
        assert (worker.backend.calls - asked).total() == 1
        assert deployment.audit.count_events() == written

        relay.pass_on()
        assert worker.provider.get(sandbox_id) is not None


@on("docker")
def test_s11_a_removal_that_the_engine_does_not_answer_is_finished_later(
    deployment: Deployment, tmp_path: Path
) -> None:
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    with relaying(tmp_path / "relay.sock", deployment.engine.base_url) as relay:
        maker = deployment.open_worker()
        worker = deployment.open_worker(engine=relay.base_url, engine_timeout=0.5)
        sandbox_id = maker.provider.acquire("thread-1")
        relay.fall_silent()

        with pytest.raises(BackendUnavailable, match=f"{sandbox_id}.*out of use.*tried again"):
            worker.provider.destroy(sandbox_id)
        assert worker.provider.get(sandbox_id) is None
        assert len(deployment.containers()) == 1

        relay.pass_on()
        maker.provider.destroy(sandbox_id)
        assert deployment.containers() == []


@pytest.mark.slow
@pytest.mark.docker
def test_s11_a_restart_of_the_daemon_loses_nothing(sqlite_url: str, own_docker_engine: PrivateDockerEngine) -> None:
    image = build_sandbox_image(own_docker_engine.base_url)
    deployment = Deployment(sqlite_url, DockerAcceptanceEngine(own_docker_engine.base_url, image))
    by_kernel, by_engine = deployment.open_worker(), deployment.open_worker(liveness="inspect", engine_timeout=1)
    sandbox_id = by_kernel.provider.acquire("thread-1")
    by_engine.provider.acquire("thread-1")
    written = deployment.audit.count_events()

    with own_docker_engine.frozen():
        assert by_kernel.provider.get(sandbox_id) is not None
        assert by_engine.provider.get(sandbox_id) is not None
    own_docker_engine.shut_down()
    assert by_kernel.provider.get(sandbox_id) is not None
    assert by_engine.provider.get(sandbox_id) is not None
    own_docker_engine.launch()
    for worker in (by_kernel, by_engine):
        sandbox = worker.provider.get(sandbox_id)
        assert sandbox is not None
        assert sandbox.execute_command("echo alive").output == "alive\n"
    assert deployment.audit.count_events() == written

    deployment.kill(sandbox_id)
    assert by_engine.provider.get(sandbox_id) is None, "and when the engine is back, a death is seen"
    deployment.close()


@on("docker")
def test_s11_no_engine_at_all_is_a_clear_error(deployment: Deployment, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/nobody.sock"
    with open_provider(deployment.configuration(engine=nowhere)) as sandboxes:
        with pytest.raises(BackendUnavailable, match=r"nobody\.sock"):
            sandboxes.acquire("thread-1")
        assert sandboxes.get("0123456789abcdef") is None
    with open_provider(deployment.configuration()) as sandboxes:
        assert sandboxes.ensure("thread-1").generation == 2, "the failed attempt is in nobody's way"


def _assert_no_transaction_is_open(deployment: Deployment) -> None:
    """Nobody holds the database while the engine is asked."""
    if deployment.audit.is_sqlite:
        deployment.audit.execute("BEGIN IMMEDIATE")  # refused at once while another connection writes
        return
    idle = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    wait_until(lambda: deployment.audit.rows(idle)[0]["n"] == 0, what="no open transaction", timeout_seconds=1)
