"""The image made of this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

import docker
import pytest

from provider.backends.docker.image import build_from_host, image_exists
from provider.domain.errors import BackendUnavailable, SandboxError
from provider.testing import new_spec
from tests.integration.backends.agent import run_command
from tests.integration.backends.conftest import OpenDocker
from tests.support.docker_engine import EngineAddress

USE_EVERYTHING = (
    "python3 -c 'import asyncio, ctypes, decimal, hashlib, json, lzma, socket, sqlite3, ssl, zlib; print(42)'"
)


def test_the_image_is_built_and_found(docker_engine: EngineAddress, engine_client: docker.APIClient) -> None:
    tag = f"sandbox-ledger/sandbox:{secrets.token_hex(4)}"
    told: list[str] = []
    assert not image_exists(base_url=docker_engine.base_url, tag=tag)
    built = build_from_host(base_url=docker_engine.base_url, tag=tag, progress=told.append)
    try:
        assert image_exists(base_url=docker_engine.base_url, tag=tag)
        found = engine_client.inspect_image(tag)  # type: ignore[no-untyped-call]
        assert found["Id"] == built
        assert found["Size"] < 150e6
        assert "8080/tcp" in found["Config"]["ExposedPorts"]
        assert len(told) == 2
    finally:
        engine_client.remove_image(tag, force=True)


def test_commands_have_a_shell_tools_and_python(open_docker: OpenDocker) -> None:
    backend = open_docker()
    info = backend.create(new_spec())
    backend.wait_ready(info)
    output = run_command(
        info, f"pwd; ls / | wc -l > /dev/null; {USE_EVERYTHING}; echo b a | tr ' ' '\\n' | sort | head -1"
    )
    assert output.split() == ["/workspace", "42", "a"]


def test_an_engine_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="docker info"):
        build_from_host(base_url=f"unix://{tmp_path}/missing.sock", tag="sandbox-ledger/sandbox:x")


def test_a_missing_busybox_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("provider.backends.docker.host_image.BUSYBOX_PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="apt-get install busybox-static"):
        build_from_host(base_url=f"unix://{tmp_path}/missing.sock", tag="sandbox-ledger/sandbox:x")
