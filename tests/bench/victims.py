"""What can be killed: a backend's part of the settings, and how to find the first process of a sandbox's container."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from unittest import mock

import docker

from tests.bench.containers import PREFIX, engine_client, running_container
from tests.bench.stage import Stage
from tests.support.processes import find_children

FindPid = Callable[[str], int]
Place = Callable[[Stage], AbstractContextManager[tuple[Mapping[str, object], FindPid]]]


@contextmanager
def on_processes(stage: Stage) -> Iterator[tuple[Mapping[str, object], FindPid]]:
    """Give the process backend, and how to find what runs in a sandbox: the server below its supervisor."""
    state = stage.directory / "state"

    def find(sandbox_id: str) -> int:
        (found,) = state.glob(f"sandbox-ledger/*/{PREFIX}-{sandbox_id}-g*/process.json")
        (server,) = find_children(int(json.loads(found.read_text())["pid"]))
        return server

    with mock.patch.dict(os.environ, XDG_STATE_HOME=str(state)):
        yield {"backend": "process"}, find


@contextmanager
def on_docker(stage: Stage, liveness: str) -> Iterator[tuple[Mapping[str, object], FindPid]]:
    """Give the Docker backend, and how to find a container's first process."""
    with engine_client(stage) as client:

        def find(sandbox_id: str) -> int:
            return int(_inspect(client, sandbox_id)["State"]["Pid"])

        settings = {"backend": "docker", "engine": stage.docker, "image": stage.image, "liveness": liveness}
        yield settings, find


def _inspect(client: docker.APIClient, sandbox_id: str) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = client.inspect_container(running_container(client, sandbox_id))
    return found
