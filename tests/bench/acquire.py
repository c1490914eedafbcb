"""A cold acquire(), against the engine's own create, start and first answer over HTTP.

The bare side sends the same container configuration by the low-level client on one kept connection and polls every
5 ms. Both remove their containers outside the timing.
"""

from __future__ import annotations

import http.client
import itertools
import secrets
import time
from collections.abc import Iterator, Mapping

import docker

from provider import SandboxProvider
from provider.backends.docker.blueprint import container_config
from provider.backends.docker.network import CLOSED_TO_NEIGHBOURS
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxSpec
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.containers import PREFIX, destroy, engine_client, provider_on_docker
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns

POLL_SECONDS = 0.005
"""Tighter, the polling itself takes the processor from the container that starts, and the bare side gets slower."""
LONGEST_SECONDS = 30.0


def ours(provider: SandboxProvider) -> Iterator[Work]:
    """Acquire for one new thread after the other, each removed before the next."""
    for number in itertools.count():
        yield lambda thread=f"cold-{number}": provider.acquire(thread, user_id="bench")  # type: ignore[misc]
        destroy(provider, provider.acquire(f"cold-{number}", user_id="bench"))


def bare(client: docker.APIClient, settings: SandboxSettings, network: str) -> Iterator[Work]:
    """Create, start, find the port and wait for the first answer, in a network as ours is."""
    for number in itertools.count():
        spec = SandboxSpec(f"{number:016x}", 1, "bench", f"cold-{number}")
        name = f"{PREFIX}-bare-{number}"

        def work(spec: SandboxSpec = spec, name: str = name) -> None:
            config = container_config(client, settings, "no-ledger", spec, network=network, port=None)
            container_id = client.create_container(name=name, **config)["Id"]
            client.start(container_id)
            ports = client.inspect_container(container_id)["NetworkSettings"]["Ports"]
            _wait_for_answer(int(next(iter(ports.values()))[0]["HostPort"]), settings.readiness.path)

        yield work
        client.remove_container(name, force=True, v=True)


def _wait_for_answer(port: int, path: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not _answers(port, path):
        assert time.monotonic() < deadline, "the bare container does not answer"
        time.sleep(POLL_SECONDS)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def run(stage: Stage) -> Mapping[str, Reading]:
    """Take turns, one container each."""
    pairs = 3 if stage.quick else 20
    settings = SandboxSettings(image=stage.image)
    with engine_client(stage) as client, provider_on_docker(stage) as provider:
        network = f"{PREFIX}-bare-{secrets.token_hex(4)}"
        client.create_network(network, driver="bridge", options=CLOSED_TO_NEIGHBOURS)
        sides = ours(provider), bare(client, settings, network)
        taken = take_turns(pairs, *sides, warm_up=1)
        for side in sides:
            next(side)  # removes the last container
        client.remove_network(network)
    mine, theirs = (median(samples) for samples in taken)
    against = f"create + start + first HTTP 200 by the engine's API: {in_words(theirs)}, acquire() {in_words(mine)}"
    return {"acquire": Reading(mine / theirs, f"{against}, {pairs} pairs")}


ACQUIRE = Benchmark("acquire", (Claim("acquire", "x the time", Goal("<=", 1.15)),), run)
