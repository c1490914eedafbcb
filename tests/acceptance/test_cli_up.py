"""`sandbox-ledger up`: everything ready with one command, or one clear sentence why not."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.command_line import CommandLine
from tests.support.docker_engine import EngineAddress
from tests.support.processes import find_children
from tests.support.waiting import wait_until


def make(tmp_path: Path, **sandbox: object) -> CommandLine:
    return CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": sandbox, "web": {"port": 0}})


def read_url(process: subprocess.Popen[str]) -> str:
    """Read stderr until the dashboard says where it is."""
    assert process.stderr is not None
    for line in process.stderr:
        if "dashboard http" in line:
            return line.split("dashboard ", 1)[1].strip()
    raise AssertionError("no dashboard")


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}livez").status_code == 200
    except httpx.TransportError:
        return False


def test_without_an_engine_processes_are_used_only_when_allowed(tmp_path: Path) -> None:
    cli = make(tmp_path, engine=f"unix://{tmp_path}/no.sock")
    assert cli.run("up", "--no-follow").code == 5
    ran = cli.run("up", "--or-process", "--demo", "--no-follow")
    assert ran.code == 0, ran.stderr
    (warning,) = [line for line in ran.stderr.splitlines() if "warning" in line]
    assert "falling back to local processes" in warning
    assert "does not isolate" in warning
    assert "How the first container ended" in ran.stdout
    assert cli.read("ps") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_events_as_they_come_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    cli = make(tmp_path, backend="process")
    with cli.start("up") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "following events" not in process.stderr.readline():
            assert process.poll() is None
        sandbox_id = cli.run("acquire", "thread").stdout.strip()
        while f"{sandbox_id} g1" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(timeout=60) == 0
    cli.run("destroy", "thread")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_dashboard_is_served_beside_it_and_ends_with_it(tmp_path: Path, number: signal.Signals) -> None:
    cli = make(tmp_path, backend="process")
    with cli.start("up") as process:
        url = read_url(process)
        assert answers(url)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert "Fatal" not in said
        assert process.returncode == (-number if number == signal.SIGKILL else 0)
    wait_until(lambda: not answers(url), what="the dashboard ends", timeout_seconds=30)


def test_a_dashboard_that_ends_is_told_of_and_the_rest_goes_on(tmp_path: Path) -> None:
    cli = make(tmp_path, backend="process")
    with cli.start("up") as process:
        read_url(process)
        (server,) = find_children(process.pid)
        os.kill(server, signal.SIGKILL)
        assert process.stderr is not None
        said = next(line for line in process.stderr if "has ended" in line)
        assert "status -9" in said
        assert "`sandbox-ledger serve` starts it again" in said
        assert process.poll() is None
        process.terminate()
        _, rest = process.communicate(timeout=60)
        assert (process.returncode, rest.count("has ended")) == (0, 0)


def test_the_dashboard_can_be_left_out(tmp_path: Path) -> None:
    cli = make(tmp_path, backend="process")
    with cli.start("up", "--no-dashboard") as process:
        assert process.stderr is not None
        while "following events" not in process.stderr.readline():
            assert process.poll() is None
        process.terminate()
        _, rest = process.communicate(timeout=60)
    assert "dashboard http" not in rest


@pytest.mark.docker
def test_a_missing_image_is_built(docker_engine: EngineAddress, sandbox_image: str, tmp_path: Path) -> None:
    cli = make(tmp_path, engine=docker_engine.base_url, image="sandbox-ledger/made-by-up:test")
    ran = cli.run("up", "--no-follow")
    assert ran.code == 0, ran.stderr
    assert {"subject": "image", "status": "ok"}.items() <= {
        finding["subject"]: finding for finding in cli.read("doctor")
    }["image"].items()
