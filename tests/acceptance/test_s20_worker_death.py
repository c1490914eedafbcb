"""A worker process dies without a word: S20, and killed in the middle of a creation."""

from __future__ import annotations

import pytest

from provider import SandboxError
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.observed import Moment
from tests.support.acceptance.other_process import other_worker
from tests.support.waiting import wait_until


@on("process", "docker")
def test_s20_a_killed_worker_finds_its_sandbox_again(deployment: Deployment) -> None:
    with other_worker(deployment.configuration()) as first:
        sandbox_id = first.call("acquire", "thread-1", user_id="alice")
        wait_until(lambda: deployment.audit.last_activity(sandbox_id), what="the activity time to be written")
        first.kill()
    container, activity = deployment.find_container(sandbox_id), deployment.audit.last_activity(sandbox_id)
    history = deployment.audit.events(sandbox_id)

    worker = deployment.open_worker()
    assert worker.provider.acquire("thread-1", user_id="alice") == sandbox_id

    sandbox = worker.provider.get(sandbox_id)
    assert sandbox is not None
    assert (sandbox.generation, sandbox.restarted) == (1, None)
    assert sandbox.execute_command("echo alive").output == "alive\n"
    assert worker.backend.calls["create"] == 0, "no cold start"
    assert deployment.find_container(sandbox_id) == container
    assert deployment.audit.last_activity(sandbox_id) == activity
    assert deployment.audit.events(sandbox_id)[: len(history)] == history
    assert deployment.audit.types(sandbox_id)[len(history) :] == ["SandboxAcquired"]


@on("process", "docker")
def test_s20_a_crash_while_no_worker_lives_is_seen_by_the_next(deployment: Deployment) -> None:
    with other_worker(deployment.configuration()) as first:
        sandbox_id = first.call("acquire", "thread-1")
        first.kill()
    deployment.kill(sandbox_id)

    sandbox = deployment.open_worker().provider.ensure("thread-1")

    assert (sandbox.id, sandbox.generation) == (sandbox_id, 2)
    assert deployment.audit.find_event(sandbox_id, "EvidenceCollected").data["exit_code"] == 137
    assert [found.info.generation for found in deployment.containers()] == [2]


@pytest.mark.parametrize("moment", ["before", "after"])
@on("process", "docker")
def test_a_creator_killed_at_work_is_replaced_when_its_time_is_over(deployment: Deployment, moment: Moment) -> None:
    with other_worker(deployment.configuration(), "create", moment) as creator:
        creator.ask("acquire", "thread-1")
        assert creator.read() == "held"
        creator.kill()
    (sandbox_id,) = (row["sandbox_id"] for row in deployment.audit.rows("SELECT sandbox_id FROM sandboxes"))
    assert len(deployment.containers()) == (1 if moment == "after" else 0)
    worker = deployment.open_worker()

    with pytest.raises(SandboxError, match=f"{sandbox_id}.*another worker is still starting it"):
        worker.provider.acquire("thread-1", timeout=0.1)
    assert worker.backend.calls == {}, "before its time is over, its work is not touched"
    _let_time_pass(deployment, sandbox_id, creator.worker_id)
    sandbox = worker.provider.ensure("thread-1")

    assert (sandbox.id, sandbox.generation, sandbox.restarted) == (sandbox_id, 2, None)
    assert [found.info.generation for found in deployment.containers()] == [2]
    failed = deployment.audit.find_event(sandbox_id, "SandboxCreateFailed")
    assert (failed.generation, failed.data["stage"]) == (1, "abandoned")
    assert all(one["removed_at"] for one in deployment.audit.generations(sandbox_id)[:1])
    deployment.is_tampered_with = True


def _let_time_pass(deployment: Deployment, sandbox_id: str, creator: str) -> None:
    """Make the creation under way and its worker's last heartbeat old ones, as if a whole lease had passed."""
    long_ago = "2020-01-01T00:00:00.000000Z"
    deployment.audit.execute(f"UPDATE generations SET creating_at = '{long_ago}' WHERE sandbox_id = :id", id=sandbox_id)
    deployment.audit.execute(f"UPDATE workers SET heartbeat_at = '{long_ago}' WHERE worker_id = :id", id=creator)
