"""get() with auto_restart on a live container, against `docker inspect` by the command line; and get() after a kill."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterator, Mapping

from provider import SandboxProvider
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.containers import destroy, engine_client, provider_on_docker, running_container
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns
from tests.support.bridge import find_program
from tests.support.requirements import UnavailableError

CALLS = 1000


def run_get(stage: Stage) -> Mapping[str, Reading]:
    """Take turns: some calls of get(), timed one by one, and one inspection."""
    program = find_program("docker")
    if program is None:
        raise UnavailableError("no docker command line")
    turns = 3 if stage.quick else 40
    with engine_client(stage) as client, provider_on_docker(stage) as provider:
        sandbox_id = provider.acquire("get")
        taken: list[float] = []
        inspections = _inspect(program, stage.docker, running_container(client, sandbox_id))
        _, inspected = take_turns(turns, _get(provider, sandbox_id, taken), inspections, warm_up=1)
        destroy(provider, sandbox_id)
    mine, theirs = median(taken), median(inspected)
    against = f"docker inspect by CLI: {in_words(theirs)}, get() {in_words(mine)}"
    return {"get": Reading(mine * 1e6, against), "get_vs_inspect": Reading(theirs / mine, against)}


def _get(provider: SandboxProvider, sandbox_id: str, taken: list[float]) -> Iterator[Work]:
    def work() -> None:
        for _ in range(CALLS):
            began = time.perf_counter()
            sandbox = provider.get(sandbox_id)
            taken.append(time.perf_counter() - began)
            assert sandbox is not None

    return itertools.repeat(work)


def _inspect(program: str, engine: str, container_id: str) -> Iterator[Work]:
    command = [program, "inspect", "--format", "{{.State.Running}}", container_id]
    environment = {**os.environ, "DOCKER_HOST": engine}

    def work() -> None:
        done = subprocess.run(command, env=environment, check=True, capture_output=True)
        assert done.stdout == b"true\n"

    return itertools.repeat(work)


def run_kill(stage: Stage) -> Mapping[str, Reading]:
    """Kill by the API (which returns sooner than the command line), get() at once; the next acquire() restarts."""
    kills = 3 if stage.quick else 100
    noticed, seconds = 0, []
    with engine_client(stage) as client, provider_on_docker(stage) as provider:
        sandbox_id = provider.acquire("kill")
        for kill in range(kills):
            assert provider.acquire("kill") == sandbox_id
            sandbox = provider.get(sandbox_id)
            assert sandbox is not None
            assert sandbox.generation == kill + 1
            client.kill(running_container(client, sandbox_id))
            began = time.perf_counter()
            noticed += provider.get(sandbox_id) is None
            seconds.append(time.perf_counter() - began)
        destroy(provider, sandbox_id)
    against = f"{kills} kills by the engine's API; that get(), with eviction and evidence: {in_words(median(seconds))}"
    return {"get_after_kill": Reading(100 * noticed / kills, against)}


GET = Benchmark(
    "get",
    (Claim("get", "µs", Goal("<=", 20)), Claim("get_vs_inspect", "x faster", Goal(">=", 1000))),
    run_get,
)
KILL = Benchmark("get_after_kill", (Claim("get_after_kill", "% None at once", Goal(">=", 100)),), run_kill)
