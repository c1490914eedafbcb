"""What every backend promises, as a class of tests that a backend's own test class inherits."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import pytest

from provider.backends import labels
from provider.domain.containers import LOG_TAIL_BYTES, SandboxInfo, SandboxSpec
from provider.domain.errors import SandboxStartError
from provider.ports.engine import Liveness, SandboxBackend, SupportsReadiness

# Several runs may share an engine.
LEDGER = f"contract-{secrets.token_hex(4)}"
OTHER_LEDGER = f"other-{secrets.token_hex(4)}"


class BackendRig(Protocol):
    """One engine under test."""

    def open(self, ledger_id: str = LEDGER) -> SandboxBackend:
        """Return a backend, as another worker or another installation on the same engine has it."""

    def crash(self, info: SandboxInfo) -> None:
        """Kill the sandbox with SIGKILL behind the backend's back; return when the engine or the kernel knows."""


def new_spec(generation: int = 1) -> SandboxSpec:
    """Return a sandbox that no other test and no other run knows."""
    return SandboxSpec(secrets.token_hex(8), generation, user_id="alice", thread_id="thread ü 1")


def start(backend: SandboxBackend, spec: SandboxSpec | None = None) -> SandboxInfo:
    """Create a sandbox and wait for it: one that is still starting takes its time to stop."""
    info = backend.create(spec or new_spec())
    if isinstance(backend, SupportsReadiness):
        backend.wait_ready(info)
    return info


def is_listed_running(backend: SandboxBackend, info: SandboxInfo) -> bool | None:
    """Whether the listing shows the container running; None when it does not show it."""
    return next((one.running for one in backend.discover() if one.info.container_id == info.container_id), None)


class _OnRig:
    """What the tests need: a rig, which the subclass gives, and one worker's backend on it."""

    container_prefix = "sandbox"
    has_probes = True

    @pytest.fixture
    def backend(self, rig: BackendRig) -> SandboxBackend:
        """Return one worker's backend."""
        return rig.open()

    def open_probe(self, backend: SandboxBackend, info: SandboxInfo) -> Liveness | None:
        """Open a probe; None, which is then checked, where this backend has none."""
        probe = backend.liveness(info)
        assert (probe is not None) == self.has_probes
        return probe


class BackendLifeContract(_OnRig):
    """From the start of a container to its removal."""

    def test_a_created_sandbox_runs_and_is_listed(self, backend: SandboxBackend) -> None:
        """Return the running container with its name, and list it with its labels."""
        spec = new_spec(generation=3)
        info = start(backend, spec)
        assert (info.sandbox_id, info.generation) == (spec.sandbox_id, 3)
        assert info.container_id
        assert info.host
        assert info.container_name == f"{self.container_prefix}-{spec.sandbox_id}-g3"
        assert backend.is_alive(info)
        assert info in backend.list_running()
        found = next(one for one in backend.discover() if one.info == info)
        assert found.running
        assert found.created_at is not None
        assert found.labels == labels.labels_for(LEDGER, spec)

    def test_a_created_sandbox_becomes_ready(self, backend: SandboxBackend) -> None:
        """Return from `wait_ready` with the seconds it took, the sandbox alive."""
        info = backend.create(new_spec())
        if isinstance(backend, SupportsReadiness):
            assert 0 < backend.wait_ready(info) < 60
        assert backend.is_alive(info)

    def test_a_backend_says_what_it_is(self, backend: SandboxBackend) -> None:
        """Return a name and an image for the record."""
        assert backend.name
        assert backend.image

    def test_a_crash_is_seen_by_the_probe_and_by_the_engine(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Return False from every way of asking once the container has ended."""
        info = start(backend)
        probe = self.open_probe(backend, info)
        assert probe is None or probe.probe() is True
        rig.crash(info)
        assert probe is None or probe.probe() is False
        assert not backend.is_alive(info)
        assert info not in backend.list_running()
        assert is_listed_running(backend, info) is False
        if probe is not None:
            probe.close()

    def test_a_closed_probe_knows_nothing(self, backend: SandboxBackend) -> None:
        """Return None from a probe that was closed, however often."""
        probe = self.open_probe(backend, start(backend))
        if probe is not None:
            probe.close()
            probe.close()
            assert probe.probe() is None

    def test_a_crash_leaves_evidence(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Return exit code, end and bounded log of a container that was killed."""
        info = start(backend)
        rig.crash(info)
        evidence = backend.evidence(info)
        assert evidence.found
        assert evidence.exit_code == 137
        assert not evidence.oom_killed
        assert evidence.finished_at is not None
        assert evidence.finished_at.tzinfo is not None
        assert 0 < len(evidence.log_tail.encode()) <= LOG_TAIL_BYTES

    def test_evidence_of_a_running_sandbox_has_no_end(self, backend: SandboxBackend) -> None:
        """Return neither exit code nor end for a container that runs."""
        evidence = backend.evidence(start(backend))
        assert evidence.found
        assert evidence.exit_code is None
        assert evidence.finished_at is None

    def test_destroy_removes_and_can_be_repeated(self, backend: SandboxBackend) -> None:
        """Remove the container; that it is gone already is success."""
        info = start(backend)
        probe = self.open_probe(backend, info)
        backend.destroy(info)
        backend.destroy(info)
        assert not backend.is_alive(info)
        assert is_listed_running(backend, info) is None
        assert not backend.evidence(info).found
        if probe is not None:
            assert not probe.probe()
            probe.close()

    def test_a_dead_sandbox_can_be_destroyed_and_its_name_is_free(
        self, rig: BackendRig, backend: SandboxBackend
    ) -> None:
        """Remove a container that has ended; the next of its name has another id."""
        spec = new_spec()
        first = start(backend, spec)
        rig.crash(first)
        backend.destroy(first)
        second = start(backend, spec)
        assert second.container_id != first.container_id
        assert backend.is_alive(second)
        assert not backend.is_alive(first)

    def test_a_sandbox_known_by_name_only_is_found_for_removal_and_never_checked(self, backend: SandboxBackend) -> None:
        """Remove a container whose id nobody knows; never call it dead."""
        info = start(backend)
        unknown = replace(info, container_id=None)
        assert backend.liveness(unknown) is None
        assert backend.is_alive(unknown)
        backend.destroy(unknown)
        backend.destroy(unknown)
        assert not backend.is_alive(info)
        assert backend.is_alive(unknown)

    def test_a_dead_sandbox_known_by_name_only_is_removed_too(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Remove it as well when it has ended and nothing but its name is known."""
        info = start(backend)
        rig.crash(info)
        backend.destroy(replace(info, container_id=None, host="", url=""))
        assert is_listed_running(backend, info) is None


class BackendNeighbourContract(_OnRig):
    """Several workers, threads and ledgers on one engine."""

    def test_another_worker_sees_checks_and_destroys(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Serve every worker of the ledger alike, whoever started the container."""
        info = start(backend)
        other = rig.open()
        assert info in other.list_running()
        assert other.is_alive(info)
        other.destroy(info)
        assert not backend.is_alive(info)

    def test_another_installation_is_neither_seen_nor_touched(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Leave containers of another ledger alone, whatever their name is."""
        spec = new_spec()
        info = start(backend, spec)
        stranger = rig.open(OTHER_LEDGER)
        assert is_listed_running(stranger, info) is None
        stranger.destroy(replace(info, container_id=None))
        stranger.destroy(info)
        with pytest.raises(SandboxStartError, match=r"taken|in use") as caught:
            stranger.create(spec)
        assert caught.value.stage == "create"
        assert backend.is_alive(info)

    def test_a_name_that_is_taken_harms_nobody(self, backend: SandboxBackend) -> None:
        """Raise `SandboxStartError` for a name that is taken, and leave its owner alone."""
        spec = new_spec()
        info = start(backend, spec)
        with pytest.raises(SandboxStartError):
            backend.create(spec)
        assert backend.is_alive(info)
        assert [one.info for one in backend.discover() if one.info.sandbox_id == spec.sandbox_id] == [info]

    def test_another_generation_is_not_touched(self, backend: SandboxBackend) -> None:
        """Leave the container of another generation alone."""
        info = start(backend, new_spec(generation=2))
        backend.destroy(replace(info, generation=1))
        assert backend.is_alive(info)

    def test_threads_share_a_backend(self, backend: SandboxBackend) -> None:
        """Serve several threads at once."""
        with ThreadPoolExecutor(4) as pool:
            infos = list(pool.map(lambda _: start(backend), range(4)))
            assert all(pool.map(backend.is_alive, infos * 4))
            assert {info.container_id for info in infos} <= {info.container_id for info in backend.list_running()}
            list(pool.map(backend.destroy, infos * 2))
        assert not any(map(backend.is_alive, infos))

    def test_close_keeps_the_sandboxes(self, rig: BackendRig, backend: SandboxBackend) -> None:
        """Close twice; containers go on."""
        info = start(backend)
        backend.close()
        backend.close()
        assert rig.open().is_alive(info)


class BackendContract(BackendLifeContract, BackendNeighbourContract):
    """All the tests. A subclass has a fixture `rig` that returns a `BackendRig` and removes every sandbox afterwards.

    `container_prefix` is the one that the rig's backends are configured with; `has_probes` is False for a backend that
    can never tell without its engine whether a container runs.
    """
