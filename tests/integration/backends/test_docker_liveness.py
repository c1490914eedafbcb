"""Liveness on a real engine: from the kernel, and from the event stream with its gaps."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import docker
import pytest

from provider.backends.docker.kernel import open_kernel_liveness
from provider.backends.docker.watch import WatchLiveness
from provider.backends.pidfd import PidfdLiveness
from provider.testing import new_spec
from tests.integration.backends.conftest import OpenDocker
from tests.support.docker_engine import EngineAddress
from tests.support.relay import relaying
from tests.support.waiting import wait_until


def test_the_kernel_knows_when_the_kill_returns(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    backend = open_docker()
    info = backend.create(new_spec())
    liveness = backend.liveness(info)
    assert isinstance(liveness, PidfdLiveness)
    assert liveness.probe() is True
    engine_client.kill(info.container_id or "", signal.SIGKILL)
    assert liveness.probe() is False
    liveness.close()


def test_a_strangers_pid_is_not_taken_for_the_container(
    open_docker: OpenDocker, engine_client: docker.APIClient
) -> None:
    info = open_docker().create(new_spec())
    found = engine_client.inspect_container(info.container_id or "")
    with subprocess.Popen(["sleep", "60"]) as stranger:
        found["State"]["Pid"] = stranger.pid
        assert open_kernel_liveness(found) is None
        stranger.kill()
    found["State"]["Pid"] = 0
    assert open_kernel_liveness(found) is None


@pytest.mark.parametrize("mode", ["auto", "kernel"])
def test_a_dead_container_has_no_probe(open_docker: OpenDocker, engine_client: docker.APIClient, mode: str) -> None:
    backend = open_docker(liveness=mode)
    info = backend.create(new_spec())
    engine_client.kill(info.container_id or "")
    assert backend.liveness(info) is None


def test_inspect_mode_has_no_probe(open_docker: OpenDocker) -> None:
    backend = open_docker(liveness="inspect")
    assert backend.liveness(backend.create(new_spec())) is None


def test_the_watch_follows_starts_and_deaths(open_docker: OpenDocker, engine_client: docker.APIClient) -> None:
    backend = open_docker(liveness="watch")
    early, late = backend.create(new_spec()), new_spec()
    liveness = backend.liveness(early)
    assert isinstance(liveness, WatchLiveness)
    wait_until(lambda: liveness.probe() is True, what="the first listing")
    started = backend.create(late)
    other = backend.liveness(started)
    assert other is not None
    wait_until(lambda: other.probe() is True, what="the start event")
    engine_client.kill(early.container_id or "")
    wait_until(lambda: liveness.probe() is False, what="the die event")
    assert other.probe() is True
    backend.destroy(early)
    wait_until(lambda: liveness.probe() is None, what="the destroy event")
    liveness.close()
    other.close()


def test_a_gap_in_the_watch_is_not_bridged_by_guessing(
    open_docker: OpenDocker, engine_client: docker.APIClient, docker_engine: EngineAddress, tmp_path: Path
) -> None:
    with relaying(tmp_path / "relay.sock", docker_engine.base_url) as relay:
        backend = open_docker(liveness="watch", engine=relay.base_url, engine_timeout=5.0)
        survivor, victim = backend.create(new_spec()), backend.create(new_spec())
        probes = [backend.liveness(survivor), backend.liveness(victim)]
        wait_until(lambda: [one and one.probe() for one in probes] == [True, True], what="the listing")
        relay.cut()
        wait_until(lambda: [one and one.probe() for one in probes] == [None, None], what="the gap")
        engine_client.kill(victim.container_id or "")
        relay.listen()
        wait_until(lambda: [one and one.probe() for one in probes] == [True, False], what="the listing after the gap")
        backend.close()
        assert [one and one.probe() for one in probes] == [None, None]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # a fork beside threads is what is tested
def test_a_forked_child_does_not_trust_its_parents_watch(open_docker: OpenDocker) -> None:
    backend = open_docker(liveness="watch")
    liveness = backend.liveness(backend.create(new_spec()))
    assert liveness is not None
    wait_until(lambda: liveness.probe() is True, what="the first listing")
    child = os.fork()
    if child == 0:
        os._exit(0 if liveness.probe() is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    liveness.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # a fork beside threads is what is tested
def test_a_forked_child_makes_its_own_connections(open_docker: OpenDocker) -> None:
    backend = open_docker()
    info = backend.create(new_spec())
    child = os.fork()
    if child == 0:
        os._exit(0 if all(backend.is_alive(info) for _ in range(20)) else 1)
    assert all(backend.is_alive(info) for _ in range(20))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
