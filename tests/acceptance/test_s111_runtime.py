"""S111: sandboxes under gVisor, whose kernel is not the host's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider import open_provider
from tests.support.bridge import find_program
from tests.support.docker_engine import PrivateDockerEngine
from tests.support.requirements import DOCKER, UnavailableError
from tests.support.sandbox_image import TAG, build_sandbox_image

# With the network stack of the namespace that the engine made: not every machine gives gVisor's own a raw socket.
WRAPPER = """#!/bin/sh
exec {program} --platform=ptrace --network=host "$@"
"""


@pytest.fixture
def gvisor_engine(tmp_path: Path) -> Iterator[str]:
    """Return where an engine listens that knows the runtime `runsc`."""
    program = find_program("runsc")
    if program is None:
        _lack("runsc (Debian's package) is not installed")
    wrapper = tmp_path / "runsc"
    wrapper.write_text(WRAPPER.format(program=program))
    wrapper.chmod(0o755)
    engine = PrivateDockerEngine(runtimes={"runsc": wrapper})
    try:
        engine.start()
    except UnavailableError as error:
        _lack(str(error))
    build_sandbox_image(engine.base_url)
    yield engine.base_url
    engine.stop()


def _lack(reason: str) -> None:
    (pytest.fail if DOCKER.is_mandatory() else pytest.skip)(reason)


@pytest.mark.docker
def test_s111_sandboxes_start_and_work_under_gvisor(gvisor_engine: str, tmp_path: Path) -> None:
    sandbox = {"engine": gvisor_engine, "image": TAG, "engine_timeout": 60, "security": {"runtime": "runsc"}}
    with open_provider({"database": {"url": f"sqlite:///{tmp_path}/ledger.db"}, "sandbox": sandbox}) as provider:
        made = provider.ensure("thread-1")
        assert "gVisor" in made.execute_command("dmesg").output
        assert made.execute_command("uname -r").output.strip() != os.uname().release
        made.write_file("/workspace/a", "text\n")
        assert made.read_file("/workspace/a") == "text\n"
        assert made.grep("/workspace", "text")[0].path == "/workspace/a"
        assert made.execute_command("id -un; stat -c %U a").output == "sandbox\nsandbox\n"
        with pytest.raises(PermissionError):
            made.write_file("/usr/local/lib/sandbox-ledger/sandboxd/server.py", "x")
        provider.destroy(made.id)
