"""A container crashed: S03, S04, S08, S09, S13."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provider import BackendUnavailable, SandboxGone
from provider.domain.containers import Restarted
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import DockerAcceptanceEngine, FakeAcceptanceEngine
from tests.support.waiting import wait_until

STARTED = ["SandboxCreating", "SandboxStarted", "SandboxReady", "SandboxAcquired"]
# The first process of the container becomes the kernel's victim, and with it the container.
EAT_MEMORY = "echo 1000 > /proc/1/oom_score_adj; python3 -c \"x = bytearray(10**9).replace(bytes(1), b'x')\""
BURIED = ["SandboxDied", "SandboxEvicted", "EvidenceCollected", "SandboxDestroyed"]


def test_s03_get_of_a_crashed_sandbox_is_none_and_tells_the_whole_story(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    deployment.kill(sandbox_id)

    assert worker.provider.get(sandbox_id) is None

    assert deployment.audit.types(sandbox_id) == STARTED + BURIED
    died, evicted, evidence, _ = deployment.audit.events(sandbox_id)[len(STARTED) :]
    assert died.data["detected_by"] in ("get", "watch")
    assert abs(datetime.fromisoformat(died.data["detected_at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert died.actor == f"worker:{worker.worker_id}"
    assert evicted.data["reason"] == "crashed"
    assert (evidence.data["found"], evidence.data["exit_code"], evidence.data["oom_killed"]) == (True, 137, False)
    assert evidence.data["log_tail"]
    assert len({event.correlation_id for event in (died, evicted, evidence)}) == 1, "one call, one correlation id"
    assert deployment.containers() == []


def test_s03_every_worker_stops_offering_it_and_its_container_is_removed_once(deployment: Deployment) -> None:
    workers = [deployment.open_worker() for _ in range(3)]
    (sandbox_id,) = {worker.provider.acquire("thread-1") for worker in workers}
    before = deployment.audit.head()
    deployment.kill(sandbox_id)

    assert [worker.provider.get(sandbox_id) for worker in workers] == [None, None, None]
    assert [worker.provider.get(sandbox_id) for worker in workers] == [None, None, None]

    wait_until(lambda: deployment.audit.types(sandbox_id, after=before) == BURIED, what="whichever was first is done")
    assert deployment.total_calls("destroy") == 1
    assert deployment.total_calls("evidence") == 1


def test_s03_the_mapping_holds_without_the_kernel(deployment: Deployment) -> None:
    worker = deployment.open_worker(liveness="inspect")
    sandbox_id = worker.provider.acquire("thread-1")
    deployment.kill(sandbox_id)

    assert worker.provider.get(sandbox_id) is None
    assert deployment.audit.types(sandbox_id) == STARTED + BURIED


@on("docker")
def test_s03_a_crash_that_the_engine_has_not_noticed_yet_keeps_its_evidence(deployment: Deployment) -> None:
    """The kernel tells of a death tens of milliseconds before the engine does; here, before a stopped shim goes on."""
    assert isinstance(deployment.engine, DockerAcceptanceEngine)
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    container = deployment.find_container(sandbox_id)

    with deployment.engine.killed_unnoticed(container):
        looked_up = deployment.in_background(worker.provider.get, sandbox_id)
        wait_until(lambda: "SandboxDied" in deployment.audit.types(sandbox_id), what="the death to be recorded")
        wait_until(lambda: worker.backend.calls["is_alive"] + worker.backend.calls["evidence"], what="a question")
    assert looked_up.result() is None

    evidence = deployment.audit.find_event(sandbox_id, "EvidenceCollected").data
    assert (evidence["exit_code"], evidence["finished_at"] is not None) == (137, True)


def test_s03_a_container_that_somebody_removed_is_dead_with_nothing_left_to_examine(deployment: Deployment) -> None:
    worker = deployment.open_worker(liveness="inspect")
    sandbox_id = worker.provider.acquire("thread-1")
    deployment.remove_containers()

    assert worker.provider.get(sandbox_id) is None
    evidence = deployment.audit.find_event(sandbox_id, "EvidenceCollected").data
    assert (evidence["found"], evidence["exit_code"]) == (False, None)
    assert deployment.audit.types(sandbox_id) == STARTED + BURIED


def test_s04_all_bindings_to_a_dead_sandbox_are_gone_at_once(deployment: Deployment) -> None:
    first, second, third = (deployment.open_worker() for _ in range(3))
    (sandbox_id,) = {worker.provider.acquire("thread-1") for worker in (first, second, third)}
    held = deployment.audit.sandbox(sandbox_id)
    assert (held["status"], len(held["holders"])) == ("active", 3)
    deployment.kill(sandbox_id)
    gate = first.backend.hold("evidence")

    second.backend.hold("evidence").open()
    assert second.provider.get(sandbox_id) is None

    row = deployment.audit.sandbox(sandbox_id)
    assert (row["status"], row["holders"], row["container_id"], row["url"]) == ("dead", [], None, None)
    assert first.provider.get(sandbox_id) is None
    assert third.provider.get(sandbox_id) is None
    gate.open()


def test_s04_a_death_that_two_workers_see_at_once_is_the_business_of_one(deployment: Deployment) -> None:
    late, first = deployment.open_worker(liveness="inspect"), deployment.open_worker()
    sandbox_id = late.provider.acquire("thread-1")
    deployment.kill(sandbox_id)
    checking = late.backend.hold("is_alive", moment="after")
    looked_up = deployment.in_background(late.provider.get, sandbox_id)
    checking.wait_entered()
    examining = first.backend.hold("evidence")
    buried = deployment.in_background(first.provider.get, sandbox_id)
    examining.wait_entered()

    checking.open()
    assert looked_up.result() is None
    assert (late.backend.calls["evidence"], late.backend.calls["destroy"]) == (0, 0)
    examining.open()
    assert buried.result() is None
    assert deployment.audit.types(sandbox_id) == STARTED + BURIED


def test_s08_a_dead_sandbox_is_evicted_although_its_container_cannot_be_removed(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.backend.fail("destroy", BackendUnavailable("the engine is tired"))
    deployment.kill(sandbox_id)

    assert worker.provider.get(sandbox_id) is None
    assert worker.provider.get(sandbox_id) is None

    assert deployment.audit.types(sandbox_id) == [*STARTED, *BURIED[:3], "SandboxDestroyFailed"]
    (generation,) = deployment.audit.generations(sandbox_id)
    assert (generation["end_reason"], generation["removed_at"]) == ("crashed", None)
    assert generation["removal_error"] == "the engine is tired"
    assert len(deployment.containers()) == 1


def test_s08_a_failed_removal_is_tried_again_until_it_succeeds(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.backend.fail("destroy", BackendUnavailable("the engine is tired"), times=2)
    deployment.kill(sandbox_id)

    assert worker.provider.get(sandbox_id) is None
    assert worker.provider.acquire("thread-1") == sandbox_id, "the failed removal is in nobody's way"
    assert worker.provider.get(sandbox_id) is not None
    wait_until(lambda: worker.backend.calls["destroy"] == 2, what="the second try, behind the acquire")
    assert deployment.audit.generations(sandbox_id)[0]["removed_at"] is None
    worker.provider.destroy(sandbox_id)

    assert deployment.containers() == []
    assert all(one["removed_at"] for one in deployment.audit.generations(sandbox_id))
    assert worker.backend.calls["destroy"] == 4, "one failed twice and then worked, the other worked"


def test_s08_what_cannot_be_examined_is_not_removed(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    worker.backend.fail("evidence", BackendUnavailable("the engine is tired"))
    deployment.kill(sandbox_id)

    assert worker.provider.get(sandbox_id) is None
    assert worker.backend.calls["destroy"] == 0
    assert len(deployment.containers()) == 1

    worker.backend.heal()
    worker.provider.acquire("thread-1")
    wait_until(lambda: [found.info.generation for found in deployment.containers()] == [2], what="the first is removed")
    evidence = deployment.audit.find_event(sandbox_id, "EvidenceCollected")
    assert (evidence.generation, evidence.data["exit_code"]) == (1, 137)


def test_s09_the_next_acquire_starts_the_next_generation_under_the_same_id(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1", user_id="alice")
    lost = deployment.kill(sandbox_id)
    assert worker.provider.get(sandbox_id) is None

    assert worker.provider.acquire("thread-1", user_id="alice") == sandbox_id

    sandbox = worker.provider.get(sandbox_id)
    assert sandbox is not None
    assert sandbox.generation == 2
    _assert_tells_of_the_crash(sandbox.restarted)
    fresh = deployment.find_container(sandbox_id)
    assert fresh.container_id != lost.container_id
    creating = [event for event in deployment.audit.events(sandbox_id) if event.type == "SandboxCreating"]
    assert [(event.generation, event.data["cause"]) for event in creating] == [(1, "cold"), (2, "restart")]


def test_s09_acquire_notices_the_crash_itself(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    deployment.kill(sandbox_id)

    sandbox = worker.provider.ensure("thread-1")

    assert (sandbox.id, sandbox.generation) == (sandbox_id, 2)
    _assert_tells_of_the_crash(sandbox.restarted)
    assert deployment.audit.find_event(sandbox_id, "SandboxDied").data["detected_by"] in ("acquire", "watch")


def test_s09_another_worker_hears_what_was_lost_as_well(deployment: Deployment) -> None:
    first, second = deployment.open_worker(), deployment.open_worker()
    sandbox_id = first.provider.acquire("thread-1")
    second.provider.acquire("thread-1")
    deployment.kill(sandbox_id)
    first.provider.ensure("thread-1")

    sandbox = second.provider.get(sandbox_id)

    assert sandbox is not None
    assert sandbox.generation == 2
    _assert_tells_of_the_crash(sandbox.restarted)


def test_s09_what_was_lost_is_told_although_another_worker_is_still_examining_it(deployment: Deployment) -> None:
    first, second = (deployment.open_worker(liveness="inspect") for _ in range(2))
    sandbox_id = first.provider.acquire("thread-1")
    gate = first.backend.hold("evidence", sandbox_id)
    deployment.kill(sandbox_id)
    found = deployment.in_background(first.provider.get, sandbox_id)
    gate.wait_entered()

    sandbox = second.provider.ensure("thread-1")

    assert sandbox.generation == 2
    _assert_tells_of_the_crash(sandbox.restarted)
    gate.open()
    found.result()
    assert deployment.audit.types(sandbox_id).count("EvidenceCollected") == 1


def test_s09_a_restart_that_fails_at_first_still_tells_what_was_lost(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    deployment.kill(sandbox_id)
    worker.backend.fail("create", BackendUnavailable("the engine is tired"), times=1)
    with pytest.raises(BackendUnavailable, match="tired"):
        worker.provider.acquire("thread-1")

    sandbox = worker.provider.ensure("thread-1")

    assert (sandbox.id, sandbox.generation) == (sandbox_id, 3)
    _assert_tells_of_the_crash(sandbox.restarted)


@on("process", "docker")
def test_s09_files_of_the_lost_container_are_gone_and_the_new_one_works(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    worker.provider.ensure("thread-1").write_file("work.txt", "half done")
    deployment.kill(worker.provider.acquire("thread-1"))

    sandbox = worker.provider.ensure("thread-1")

    assert sandbox.restarted is not None
    with pytest.raises(FileNotFoundError):
        sandbox.read_file("work.txt")
    assert sandbox.execute_command("echo alive").output == "alive\n"


@on("fake", "docker")
def test_s13_a_container_killed_for_memory_says_so(deployment: Deployment) -> None:
    worker = deployment.open_worker(limits={"memory": "32m"}, security={"user": "root"})
    sandbox = worker.provider.ensure("thread-1")
    if isinstance(deployment.engine, FakeAcceptanceEngine):
        deployment.engine.backend.kill(sandbox.id, oom=True)
        expected_limit = 1024**3
    else:
        with pytest.raises(SandboxGone):
            sandbox.execute_command(EAT_MEMORY)
        expected_limit = 32 * 1024**2

    wait_until(lambda: worker.provider.get(sandbox.id) is None, what="the death to be seen")

    assert deployment.audit.find_event(sandbox.id, "SandboxEvicted").data["reason"] == "oom"
    evidence = deployment.audit.find_event(sandbox.id, "EvidenceCollected").data
    assert evidence["oom_killed"] is True
    assert evidence["limits"]["memory_bytes"] == expected_limit
    restarted = worker.provider.ensure("thread-1").restarted
    assert restarted is not None
    assert restarted.cause == "oom"


def _assert_tells_of_the_crash(restarted: Restarted | None) -> None:
    assert restarted is not None
    assert (restarted.previous_generation, restarted.cause, restarted.exit_code) == (1, "crashed", 137)
    assert restarted.died_at is not None
    assert restarted.downtime_seconds is not None
    assert 0 <= restarted.downtime_seconds < 60
