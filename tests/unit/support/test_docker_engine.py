"""The private engine restarts, hangs on demand, and leaves nothing when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.docker_engine import EngineAddress, PrivateDockerEngine, answers
from tests.support.processes import find_naming


def test_the_shared_engine_answers(docker_engine: EngineAddress) -> None:
    assert answers(docker_engine.base_url)


@pytest.mark.slow
def test_it_restarts_and_hangs_on_demand(own_docker_engine: PrivateDockerEngine) -> None:
    own_docker_engine.shut_down()
    assert not answers(own_docker_engine.base_url)
    own_docker_engine.launch()
    with own_docker_engine.frozen():
        assert not answers(own_docker_engine.base_url)
    assert answers(own_docker_engine.base_url)


@pytest.mark.slow
def test_nothing_is_left_when_it_stops(own_docker_engine: PrivateDockerEngine) -> None:
    directory = own_docker_engine.directory
    own_docker_engine.stop()
    assert not directory.exists()
    assert find_naming(directory) == []
    assert str(directory) not in Path("/proc/self/mountinfo").read_text()


def test_nobody_listens() -> None:
    assert not answers("unix:///nonexistent/docker.sock")
    assert not answers("tcp://127.0.0.1:1")
