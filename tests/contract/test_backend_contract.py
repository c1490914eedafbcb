"""The backend contract, run over the fake, local processes and Docker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider.testing import BackendContract
from tests.contract.backends_rigs import DockerRig, FakeRig, ProcessRig
from tests.support.docker_engine import EngineAddress


class TestFakeBackend(BackendContract):
    """The engine in memory."""

    @pytest.fixture
    def rig(self) -> FakeRig:
        """Return the engine."""
        return FakeRig()


class TestProcessBackend(BackendContract):
    """Local processes."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[ProcessRig]:
        """Return the engine; its sandboxes are removed afterwards."""
        made = ProcessRig(tmp_path)
        yield made
        made.close()


class TestDockerBackend(BackendContract):
    """Containers."""

    @pytest.fixture
    def rig(self, docker_engine: EngineAddress, sandbox_image: str) -> Iterator[DockerRig]:
        """Return the engine; its sandboxes are removed afterwards."""
        made = DockerRig(docker_engine.base_url, sandbox_image)
        yield made
        made.close()


def test_the_fake_needs_no_pytest() -> None:
    """Whoever tests an agent with another test runner can use it."""
    program = "import sys; from provider.testing import FakeBackend; FakeBackend(); sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
