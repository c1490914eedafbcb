"""Docker backends on the shared engine whose containers are removed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from provider.backends.docker.backend import DockerBackend
from provider.config.settings import SandboxSettings
from tests.support.docker_engine import EngineAddress

OpenDocker = Callable[..., DockerBackend]


@pytest.fixture
def open_docker(docker_engine: EngineAddress, sandbox_image: str) -> Iterator[OpenDocker]:
    """Give a function that opens a backend with changed settings; all share one ledger of this test."""
    ledger_id = f"test-{secrets.token_hex(8)}"
    opened: list[DockerBackend] = []

    def make(**changes: Any) -> DockerBackend:
        usual: dict[str, Any] = {"engine": docker_engine.base_url, "image": sandbox_image, "stop_timeout": 1.0}
        opened.append(DockerBackend(SandboxSettings(**(usual | {"engine_timeout": 60.0} | changes)), ledger_id))
        return opened[-1]

    yield make
    cleaner = make()
    for found in cleaner.discover():
        cleaner.destroy(found.info)
    for backend in opened:
        backend.close()


@pytest.fixture
def engine_client(docker_engine: EngineAddress) -> Iterator[docker.APIClient]:
    """Give a client of one's own on the shared engine."""
    client = docker.APIClient(docker_engine.base_url, version="auto", timeout=60)
    yield client
    client.close()
