"""What every backend promises, run over the fake, local processes and Docker."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from provider.backends import labels
from provider.domain.containers import LOG_TAIL_BYTES, SandboxInfo, SandboxSpec
from provider.domain.errors import SandboxStartError
from provider.ports.engine import SandboxBackend, SupportsReadiness
from tests.contract.backends_rigs import LEDGER, OTHER_LEDGER, DockerRig, FakeRig, ProcessRig, Rig, new_spec


def _make_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    if request.param == "fake":
        return FakeRig()
    if request.param == "process":
        return ProcessRig(tmp_path)
    engine = request.getfixturevalue("docker_engine")
    return DockerRig(engine.base_url, request.getfixturevalue("sandbox_image"))


@pytest.fixture(params=["fake", "process", pytest.param("docker", marks=pytest.mark.docker)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Give each engine in turn."""
    made = _make_rig(request, tmp_path)
    yield made
    made.close()


@pytest.fixture
def backend(rig: Rig) -> SandboxBackend:
    """Give one worker's backend."""
    return rig.open()


def find(backend: SandboxBackend, info: SandboxInfo) -> bool | None:
    """Tell whether the listing shows the container running; None when it does not show it."""
    return next((one.running for one in backend.discover() if one.info.container_id == info.container_id), None)


def start(backend: SandboxBackend, spec: SandboxSpec | None = None) -> SandboxInfo:
    """Create a sandbox and wait for it: one that is still starting takes its time to stop."""
    info = backend.create(spec or new_spec())
    if isinstance(backend, SupportsReadiness):
        backend.wait_ready(info)
    return info


def test_a_created_sandbox_runs_and_is_listed(backend: SandboxBackend) -> None:
    spec = new_spec(generation=3)
    info = start(backend, spec)
    assert (info.sandbox_id, info.generation) == (spec.sandbox_id, 3)
    assert info.container_id
    assert info.host
    assert info.container_name == f"sandbox-{spec.sandbox_id}-g3"
    assert backend.is_alive(info)
    assert info in backend.list_running()
    found = next(one for one in backend.discover() if one.info == info)
    assert found.running
    assert found.created_at is not None
    assert found.labels == labels.labels_for(LEDGER, spec)


def test_a_created_sandbox_becomes_ready(backend: SandboxBackend) -> None:
    info = backend.create(new_spec())
    if isinstance(backend, SupportsReadiness):
        assert 0 < backend.wait_ready(info) < 60


def test_a_crash_is_seen_by_the_probe_and_by_the_engine(rig: Rig, backend: SandboxBackend) -> None:
    info = start(backend)
    liveness = backend.liveness(info)
    assert liveness is not None
    assert liveness.probe() is True
    rig.crash(info)
    assert liveness.probe() is False
    assert not backend.is_alive(info)
    assert info not in backend.list_running()
    assert find(backend, info) is False
    liveness.close()


def test_a_closed_probe_knows_nothing(backend: SandboxBackend) -> None:
    liveness = backend.liveness(start(backend))
    assert liveness is not None
    liveness.close()
    liveness.close()
    assert liveness.probe() is None


def test_a_crash_leaves_evidence(rig: Rig, backend: SandboxBackend) -> None:
    info = start(backend)
    rig.crash(info)
    evidence = backend.evidence(info)
    assert evidence.found
    assert evidence.exit_code == 137
    assert not evidence.oom_killed
    assert evidence.finished_at is not None
    assert evidence.finished_at.tzinfo is not None
    assert 0 < len(evidence.log_tail.encode()) <= LOG_TAIL_BYTES


def test_evidence_of_a_running_sandbox_has_no_end(backend: SandboxBackend) -> None:
    evidence = backend.evidence(start(backend))
    assert evidence.found
    assert evidence.exit_code is None
    assert evidence.finished_at is None


def test_destroy_removes_and_can_be_repeated(backend: SandboxBackend) -> None:
    info = start(backend)
    liveness = backend.liveness(info)
    backend.destroy(info)
    backend.destroy(info)
    assert not backend.is_alive(info)
    assert find(backend, info) is None
    assert not backend.evidence(info).found
    assert liveness is not None
    assert not liveness.probe()
    liveness.close()


def test_a_dead_sandbox_can_be_destroyed_and_its_name_is_free(rig: Rig, backend: SandboxBackend) -> None:
    spec = new_spec()
    first = start(backend, spec)
    rig.crash(first)
    backend.destroy(first)
    second = start(backend, spec)
    assert second.container_id != first.container_id
    assert backend.is_alive(second)
    assert not backend.is_alive(first)


def test_a_sandbox_known_by_name_only_is_found_for_removal_and_never_checked(backend: SandboxBackend) -> None:
    info = start(backend)
    unknown = replace(info, container_id=None)
    assert backend.liveness(unknown) is None
    assert backend.is_alive(unknown)
    backend.destroy(unknown)
    assert not backend.is_alive(info)
    assert backend.is_alive(unknown)


def test_another_worker_sees_checks_and_destroys(rig: Rig, backend: SandboxBackend) -> None:
    info = start(backend)
    other = rig.open()
    assert info in other.list_running()
    assert other.is_alive(info)
    other.destroy(info)
    assert not backend.is_alive(info)


def test_another_installation_is_neither_seen_nor_touched(rig: Rig, backend: SandboxBackend) -> None:
    spec = new_spec()
    info = start(backend, spec)
    stranger = rig.open(OTHER_LEDGER)
    assert find(stranger, info) is None
    stranger.destroy(replace(info, container_id=None))
    stranger.destroy(info)
    with pytest.raises(SandboxStartError, match=r"taken|in use") as caught:
        stranger.create(spec)
    assert caught.value.stage == "create"
    assert backend.is_alive(info)


def test_a_name_that_is_taken_harms_nobody(backend: SandboxBackend) -> None:
    spec = new_spec()
    info = start(backend, spec)
    with pytest.raises(SandboxStartError):
        backend.create(spec)
    assert backend.is_alive(info)
    assert [one.info for one in backend.discover() if one.info.sandbox_id == spec.sandbox_id] == [info]


def test_another_generation_is_not_touched(backend: SandboxBackend) -> None:
    info = start(backend, new_spec(generation=2))
    backend.destroy(replace(info, generation=1))
    assert backend.is_alive(info)


def test_threads_share_a_backend(backend: SandboxBackend) -> None:
    with ThreadPoolExecutor(4) as pool:
        infos = list(pool.map(lambda _: start(backend), range(4)))
        assert all(pool.map(backend.is_alive, infos * 4))
        assert {info.container_id for info in infos} <= {info.container_id for info in backend.list_running()}
        list(pool.map(backend.destroy, infos * 2))
    assert not any(map(backend.is_alive, infos))


def test_close_keeps_the_sandboxes(rig: Rig, backend: SandboxBackend) -> None:
    info = start(backend)
    backend.close()
    backend.close()
    assert rig.open().is_alive(info)
