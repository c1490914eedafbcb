"""Many callers at once: threads, tasks, processes."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack

from provider import Sandbox
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.other_process import other_worker

CALLERS = 8


def test_threads_that_acquire_one_thread_at_once_share_one_container(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    barrier = threading.Barrier(CALLERS)

    def acquire() -> str:
        barrier.wait()
        return worker.provider.acquire("thread-1")

    calls = [deployment.in_background(acquire) for _ in range(CALLERS)]
    (sandbox_id,) = {call.result() for call in calls}

    assert worker.backend.calls["create"] == 1
    assert len(deployment.containers()) == 1
    assert deployment.audit.types(sandbox_id).count("SandboxAcquired") == 1, "the worker holds it once"


def test_threads_that_meet_a_crash_at_once_bury_it_once(deployment: Deployment) -> None:
    worker, other = deployment.open_worker(), deployment.open_worker()
    sandbox_id = worker.provider.acquire("thread-1")
    other.provider.acquire("thread-1")
    deployment.kill(sandbox_id)
    barrier = threading.Barrier(CALLERS)

    def ensure(number: int) -> Sandbox:
        barrier.wait()
        return (worker, other)[number % 2].provider.ensure("thread-1")

    sandboxes = [call.result() for call in [deployment.in_background(ensure, number) for number in range(CALLERS)]]

    assert {(sandbox.id, sandbox.generation) for sandbox in sandboxes} == {(sandbox_id, 2)}
    types = deployment.audit.types(sandbox_id)
    assert (types.count("SandboxDied"), types.count("SandboxCreating")) == (1, 2)
    assert len(deployment.containers()) == 1


@on("process", "docker")
def test_processes_that_acquire_one_thread_at_once_share_one_container(deployment: Deployment) -> None:
    rounds = [f"thread-{number}" for number in range(3)]
    with ExitStack() as stack:
        workers = [stack.enter_context(other_worker(deployment.configuration())) for _ in range(2)]
        for thread in rounds:
            for worker in workers:
                worker.ask("acquire", thread)
            (sandbox_id,) = {worker.read() for worker in workers}
            assert set(deployment.audit.sandbox(sandbox_id)["holders"]) == {worker.worker_id for worker in workers}
    assert deployment.audit.types().count("SandboxCreating") == len(rounds)
    assert len(deployment.containers()) == len(rounds)


def test_the_async_twins_do_what_the_others_do(deployment: Deployment) -> None:
    worker = deployment.open_worker()

    async def live() -> str:
        sandbox_id = await worker.provider.acquire_async("thread-1", user_id="alice")
        sandbox = await worker.provider.get_async(sandbox_id)
        assert sandbox is not None
        assert (sandbox.id, sandbox.generation) == (sandbox_id, 1)
        await worker.provider.release_async(sandbox_id)
        assert deployment.audit.sandbox(sandbox_id)["status"] == "warm"
        await worker.provider.destroy_async(sandbox_id, reason="request", actor="operator:eve")
        assert await worker.provider.get_async(sandbox_id) is None
        return sandbox_id

    sandbox_id = asyncio.run(live())
    assert deployment.audit.events(sandbox_id)[-1].actor == "operator:eve"
    assert deployment.containers() == []


def test_many_tasks_at_once_get_one_container_each_thread(deployment: Deployment) -> None:
    worker = deployment.open_worker()

    async def acquire_all() -> list[str]:
        threads = [f"thread-{number % 3}" for number in range(12)]
        return await asyncio.gather(*(worker.provider.acquire_async(thread) for thread in threads))

    ids = asyncio.run(acquire_all())
    assert ids == ids[:3] * 4
    assert len(set(ids)) == worker.backend.calls["create"] == len(deployment.containers()) == 3


def test_a_slow_engine_does_not_block_the_event_loop(deployment: Deployment) -> None:
    worker = deployment.open_worker()
    gate = worker.backend.hold("create")

    async def acquire_and_open() -> str:
        acquiring = asyncio.ensure_future(worker.provider.acquire_async("thread-1"))
        await asyncio.to_thread(gate.wait_entered)
        assert await worker.provider.get_async("0123456789abcdef") is None, "another call gets through"
        assert not acquiring.done()
        gate.open()  # reached only because the loop went on
        return await acquiring

    assert worker.provider.get(asyncio.run(acquire_and_open())) is not None
