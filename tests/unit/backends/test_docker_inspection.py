"""Reading the engine's answers, without an engine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provider.backends.docker.image import split_tag
from provider.backends.docker.inspection import EngineHost, is_running, limits_of, parse_time, reached_at, read_entry
from provider.backends.docker.kernel import is_in_container
from provider.backends.labels import labels_for
from provider.domain.containers import Limits, SandboxSpec

SPEC = SandboxSpec("00112233445566aa", 2, "alice", "t")
PLACE = EngineHost("engine-host")
CONTAINER = "c" * 64


def entry(**changes: Any) -> dict[str, Any]:
    """Make one line of the engine's listing."""
    port = {"IP": "127.0.0.1", "PrivatePort": 8080, "PublicPort": 32768, "Type": "tcp"}
    return {
        "Id": CONTAINER,
        "Names": ["/sandbox-00112233445566aa-g2"],
        "Labels": labels_for("mine", SPEC),
        "State": "running",
        "Created": 1_700_000_000,
        "Ports": [port],
        "HostConfig": {"NetworkMode": "default"},
    } | changes


def test_a_listed_container_is_read_completely() -> None:
    found = read_entry(entry(), "mine", "sandbox", PLACE)
    assert found is not None
    assert found.running
    assert found.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert found.info.url == "http://127.0.0.1:32768"
    assert found.info.host == "engine-host"


@pytest.mark.parametrize(("ledger", "prefix"), [("other", "sandbox"), ("mine", "dev")])
def test_foreign_containers_are_left_out(ledger: str, prefix: str) -> None:
    assert read_entry(entry(), ledger, prefix, PLACE) is None


def test_a_container_in_a_network_is_reached_by_name() -> None:
    found = read_entry(entry(HostConfig={"NetworkMode": "agents"}, Ports=[]), "mine", "sandbox", PLACE)
    assert found is not None
    assert found.info.url == "http://sandbox-00112233445566aa-g2:8080"


@pytest.mark.parametrize(
    ("state", "running"), [("running", True), ("paused", True), ("exited", False), ("created", False), ("dead", False)]
)
def test_listed_states(state: str, running: bool) -> None:
    found = read_entry(entry(State=state), "mine", "sandbox", PLACE)
    assert found is not None
    assert found.running is running


def test_a_restarting_container_is_alive() -> None:
    assert is_running({"State": {"Running": False, "Status": "restarting"}})


def test_times_are_read_to_the_microsecond() -> None:
    assert parse_time("2026-01-02T03:04:05.123456789Z") == datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
    assert parse_time("2026-01-02T03:04:05+02:00") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert parse_time("0001-01-01T00:00:00Z") is None
    assert parse_time(None) is None


def test_limits_are_what_the_engine_says() -> None:
    assert limits_of({"HostConfig": {"Memory": 1024, "NanoCpus": 500_000_000, "PidsLimit": 7}}) == Limits(1024, 0.5, 7)
    assert limits_of({"HostConfig": {"Memory": 0, "NanoCpus": 0, "PidsLimit": None}}) == Limits()


def test_ports_on_all_interfaces_are_reached_at_the_engine() -> None:
    assert reached_at("unix:///var/run/docker.sock") == "127.0.0.1"
    assert reached_at("tcp://10.0.0.5:2376") == "10.0.0.5"


@pytest.mark.parametrize(
    "path",
    [
        f"4:memory:/docker/{CONTAINER}",
        f"0::/system.slice/docker-{CONTAINER}.scope",
        f"0::/../../docker/{CONTAINER}",
        f"12:pids:/kubepods/pod1/{CONTAINER}",
    ],
)
def test_every_driver_names_the_container_in_its_control_group(tmp_path: Path, path: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"1:name=systemd:/x\n{path}\n")
    assert is_in_container(CONTAINER, 7, proc=tmp_path)
    assert not is_in_container("d" * 64, 7, proc=tmp_path)
    assert not is_in_container("", 7, proc=tmp_path)
    assert not is_in_container(CONTAINER, 8, proc=tmp_path)


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("a/b:c", ("a/b", "c")),
        ("a/b", ("a/b", "latest")),
        ("localhost:5000/a", ("localhost:5000/a", "latest")),
        ("localhost:5000/a:1", ("localhost:5000/a", "1")),
    ],
)
def test_tags_are_split(tag: str, parts: tuple[str, str]) -> None:
    assert split_tag(tag) == parts
