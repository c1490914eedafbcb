"""Local processes: what the contract does not ask of every backend."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provider.backends.process.backend import ProcessBackend
from provider.backends.process.records import ContainerDirectory
from provider.config.settings import MountSettings, ReadinessSettings, SandboxSettings
from provider.domain.containers import SandboxInfo
from provider.domain.errors import BackendUnavailable, SandboxStartError
from provider.testing import LEDGER, new_spec
from tests.integration.backends.agent import run_command
from tests.support.processes import find_children, wait_for_exit

SETTINGS = SandboxSettings(backend="process", stop_timeout=2, readiness=ReadinessSettings(timeout=10))


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[ProcessBackend]:
    """Give a backend whose processes are ended afterwards."""
    made = open_backend(tmp_path)
    yield made
    for found in made.discover():
        made.destroy(found.info)


def open_backend(state_dir: Path, settings: SandboxSettings = SETTINGS) -> ProcessBackend:
    """Open one worker's backend."""
    return ProcessBackend(settings, LEDGER, state_dir=state_dir / "sandboxes")


def directory_of(state_dir: Path, info: SandboxInfo) -> ContainerDirectory:
    """Give the directory of a sandbox."""
    return ContainerDirectory(state_dir / "sandboxes" / info.container_name)


def supervisor_of(state_dir: Path, info: SandboxInfo) -> int:
    """Give the pid of a sandbox's supervisor."""
    process = directory_of(state_dir, info).find_process()
    assert process is not None
    return process.pid


def test_a_sandbox_outlives_the_worker_that_started_it(tmp_path: Path, backend: ProcessBackend) -> None:
    script = (
        "import sys; from pathlib import Path; from provider.backends.process.backend import ProcessBackend\n"
        "from provider.config.settings import SandboxSettings; from provider.domain.containers import SandboxSpec\n"
        "b = ProcessBackend(SandboxSettings(backend='process'), sys.argv[1], state_dir=Path(sys.argv[2]))\n"
        "b.create(SandboxSpec('00112233445566aa', 1))\n"
    )
    worker = [sys.executable, "-c", script, LEDGER, str(tmp_path / "sandboxes")]
    subprocess.run(worker, check=True, start_new_session=True, capture_output=True)
    (info,) = backend.list_running()
    liveness = backend.liveness(info)
    assert liveness is not None
    assert liveness.probe() is True
    assert backend.wait_ready(info) < 10
    backend.destroy(info)
    assert liveness.probe() is False


def test_nothing_of_the_workers_environment_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: ProcessBackend
) -> None:
    monkeypatch.setenv("WORKER_SECRET", "hidden")
    settings = replace(SETTINGS, environment={"TOKEN": "visible-token"})
    info = open_backend(tmp_path, settings).create(new_spec())
    output = run_command(info, "env; echo $TOKEN >&2")
    assert "WORKER_SECRET" not in output
    assert "TOKEN=visible-token" in output


def test_secrets_are_masked_in_evidence(tmp_path: Path, backend: ProcessBackend) -> None:
    settings = replace(SETTINGS, environment={"TOKEN": "visible-token"})
    owner = open_backend(tmp_path, settings)
    info = owner.create(new_spec())
    directory_of(tmp_path, info).log.write_text("log in with visible-token\n" + "x " * 10_000 + "\nvisible-token\0end")
    assert owner.evidence(info).log_tail.endswith("\n***\N{REPLACEMENT CHARACTER}end")


def test_what_a_crashed_sandbox_left_running_is_ended_with_it(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    pid = int(run_command(info, "setsid sleep 300 > /dev/null 2>&1 & echo $!").strip())
    supervisor = supervisor_of(tmp_path, info)
    for server in find_children(supervisor):
        os.kill(server, signal.SIGKILL)
    assert wait_for_exit(supervisor, timeout_seconds=10)
    assert not backend.is_alive(info)
    backend.destroy(info)
    assert wait_for_exit(pid, timeout_seconds=10)


def test_a_killed_supervisor_is_a_crash_with_an_unknown_exit(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    supervisor = supervisor_of(tmp_path, info)
    (server,) = find_children(supervisor)
    os.kill(supervisor, signal.SIGKILL)
    assert wait_for_exit(supervisor, timeout_seconds=10)
    assert not backend.is_alive(info)
    evidence = backend.evidence(info)
    assert evidence.exit_code is None
    assert "unknown" in evidence.engine_error
    backend.destroy(info)
    assert wait_for_exit(server, timeout_seconds=10)


def test_a_reused_pid_is_not_taken_for_the_sandbox(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    recorded = directory_of(tmp_path, info).path / "process.json"
    real = recorded.read_text()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        recorded.write_text(json.dumps(json.loads(real) | {"pid": stranger.pid}))
        assert backend.liveness(info) is None
        assert not backend.is_alive(info)
        recorded.write_text(json.dumps(json.loads(real) | {"start_time": 1}))
        assert not backend.is_alive(info)
        assert stranger.poll() is None
        stranger.kill()
    recorded.write_text(real)
    assert backend.is_alive(info)


def test_a_restart_of_the_machine_ends_its_sandboxes(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    recorded = directory_of(tmp_path, info).path / "process.json"
    real = recorded.read_text()
    recorded.write_text(json.dumps(json.loads(real) | {"boot_id": "before"}))
    assert not backend.is_alive(info)
    recorded.write_text(real)


def test_a_process_that_cannot_be_seen_from_here_is_unknown_not_dead(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    recorded = directory_of(tmp_path, info).path / "process.json"
    real = recorded.read_text()
    recorded.write_text(json.dumps(json.loads(real) | {"pid_namespace": "pid:[1]"}))
    with pytest.raises(BackendUnavailable, match="cannot be seen from here"):
        backend.is_alive(info)
    assert backend.liveness(info) is None
    recorded.write_text(real)


def test_a_sandbox_of_another_host_is_unknown_not_dead(backend: ProcessBackend) -> None:
    elsewhere = SandboxInfo("00112233445566aa", 1, "proc-1", "sandbox-00112233445566aa-g1", "elsewhere", "")
    for ask in (backend.is_alive, backend.destroy, backend.evidence):
        with pytest.raises(BackendUnavailable, match="started on elsewhere"):
            ask(elsewhere)


def test_an_unreadable_record_is_unknown_not_dead(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    recorded = directory_of(tmp_path, info).path / "container.json"
    real = recorded.read_text()
    recorded.write_text("{")
    with pytest.raises(BackendUnavailable, match="state directory"):
        backend.is_alive(info)
    recorded.write_text(real)


def test_ports_count_up_from_the_base_past_those_taken(tmp_path: Path, backend: ProcessBackend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = taken.getsockname()[1]
        owner = open_backend(tmp_path, replace(SETTINGS, port=base))
        info = owner.create(new_spec())
        assert base < int(info.url.rpartition(":")[2]) <= base + 20


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, backend: ProcessBackend) -> None:
    owner = open_backend(tmp_path, replace(SETTINGS, host="192.0.2.1"))
    with pytest.raises(SandboxStartError) as caught:
        owner.create(new_spec())
    assert caught.value.stage == "start"
    assert "192.0.2.1" in caught.value.log_tail or "Cannot assign" in caught.value.log_tail
    assert list((tmp_path / "sandboxes").iterdir()) == []


def test_mounts_that_cannot_be_made_are_refused(tmp_path: Path, backend: ProcessBackend) -> None:
    mount = MountSettings(host_path="/data", container_path="/inside")
    with pytest.raises(SandboxStartError, match="/inside"):
        open_backend(tmp_path, replace(SETTINGS, mounts=(mount,))).create(new_spec())
    assert not (tmp_path / "sandboxes").exists()


def test_a_sandbox_that_never_answers_is_told_with_its_log(tmp_path: Path, backend: ProcessBackend) -> None:
    owner = open_backend(tmp_path, replace(SETTINGS, readiness=ReadinessSettings(path="/nowhere", timeout=0.5)))
    info = owner.create(new_spec())
    with pytest.raises(SandboxStartError, match="/nowhere") as caught:
        owner.wait_ready(info)
    assert caught.value.stage == "readiness"
    assert "listening" in caught.value.log_tail
    assert owner.is_alive(info)


def test_the_lack_of_isolation_is_said_once(
    tmp_path: Path, backend: ProcessBackend, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        backend.destroy(backend.create(new_spec()))
    said = [record.getMessage() for record in caplog.records if "NOT isolate" in record.getMessage()]
    assert len(said) == 1


def test_a_directory_that_the_sandbox_locked_is_removed(tmp_path: Path, backend: ProcessBackend) -> None:
    info = backend.create(new_spec())
    run_command(info, "mkdir -p a/b && touch a/b/c && chmod 000 a")
    backend.destroy(info)
    assert list((tmp_path / "sandboxes").iterdir()) == []
