"""A real server for every test, on a free loopback port, in a directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import provider.sandbox
from provider.sandbox.sandbox import Sandbox
from tests.support.waiting import wait_until

SANDBOXD = Path(provider.sandbox.__file__ or "").with_name("sandboxd")


@dataclass(frozen=True)
class RunningServer:
    """A server process and the only directory it works in."""

    process: subprocess.Popen[str]
    url: str
    root: Path


Start = Callable[..., RunningServer]


@contextmanager
def run_server(
    directory: Path,
    *options: str,
    program: Path = SANDBOXD,
    prefix: tuple[str, ...] = (),
    identity: dict[str, str] | None = None,
) -> Iterator[RunningServer]:
    root = directory / "root"
    root.mkdir()
    port_file = directory / "port"
    command = [*prefix, sys.executable, "-I", "-S", str(program), "--port-file", str(port_file), "--root", str(root)]
    with (directory / "log").open("w+") as log:
        environment = {**os.environ, **(identity or {})}
        process = subprocess.Popen([*command, *options], stderr=log, text=True, env=environment)
        try:
            wait_until(lambda: port_file.exists() or process.poll() is not None, what="a port file")
            assert process.poll() is None, (directory / "log").read_text()
            yield RunningServer(process, f"http://127.0.0.1:{port_file.read_text().strip()}", root.resolve())
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*options: str, **more: object) -> RunningServer:
            directory = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            return stack.enter_context(run_server(directory, *options, **more))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def server(start_server: Start) -> RunningServer:
    return start_server()


@pytest.fixture
def sandbox(server: RunningServer) -> Iterator[Sandbox]:
    sandbox = Sandbox("5a4d", 1, server.url, timeout=20)
    yield sandbox
    sandbox.close()
