"""Whether an engine keeps neighbours apart is found out by trying; a runtime that it does not know is told (S111)."""

from __future__ import annotations

import pytest

from provider import SandboxSpec, SandboxStartError
from provider.backends.docker.engine import Engine
from provider.backends.docker.isolation import keeps_neighbours_apart
from provider.config.settings import SecuritySettings
from tests.integration.backends.conftest import OpenDocker
from tests.support.docker_engine import EngineAddress
from tests.support.sandbox_image import TAG


def test_an_engine_with_its_firewall_keeps_neighbours_apart(firewalled_docker_engine: str) -> None:
    engine = Engine(firewalled_docker_engine, 60)
    assert keeps_neighbours_apart(engine, TAG)
    assert _left_behind(engine) == ([], [])
    engine.close()


def test_an_engine_without_one_is_found_out(docker_engine: EngineAddress, sandbox_image: str) -> None:
    if not docker_engine.private:
        pytest.skip("the machine's own engine keeps its firewall")
    engine = Engine(docker_engine.base_url, 60)
    assert not keeps_neighbours_apart(engine, sandbox_image)
    assert _left_behind(engine) == ([], [])
    engine.close()


def _left_behind(engine: Engine) -> tuple[list[str], list[str]]:
    with engine.asking("list what is there") as client:
        networks = [one["Name"] for one in client.networks() if "doctor" in one["Name"]]
        containers = [
            one["Id"]
            for one in client.containers(all=True)
            if any("doctor" in name for name in one["NetworkSettings"]["Networks"])
        ]
        return networks, containers


def test_s111_a_runtime_that_the_engine_does_not_know_is_told(open_docker: OpenDocker) -> None:
    backend = open_docker(security=SecuritySettings(runtime="no-such-runtime"))
    with pytest.raises(SandboxStartError, match="no-such-runtime"):
        backend.create(SandboxSpec("0123456789abcdef", 1))
    assert backend.discover() == []
