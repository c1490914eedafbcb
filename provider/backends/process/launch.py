"""Start one sandbox process under its supervisor and wait for the port it listens on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from provider.backends.process.containers import ProcessContainer
from provider.backends.process.procfs import MARKER
from provider.backends.process.records import ContainerDirectory
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxSpec
from provider.sandbox.access_token import identity_environment

SANDBOXD = Path(__file__).parents[2] / "sandbox" / "sandboxd"
SUPERVISE = Path(__file__).with_name("supervise.py")

PORTS_TO_TRY = 100
POLL_SECONDS = 0.002


class LaunchError(Exception):
    """The process did not start or did not come to listen; the message says which."""


def launch_on_free_port(container: ProcessContainer, spec: SandboxSpec, settings: SandboxSettings) -> None:
    """Start the process and wait until it listens, on the first free port from `settings.port` upward.

    Raise `LaunchError`; the process may then still run, and its directory says which it is.
    """
    directory = container.directory
    environment = {
        **_environment(directory, settings.environment),
        **identity_environment(spec, directory.name),
        MARKER: container.record.container_id,
    }
    for port in _candidate_ports(settings.host, settings.port):
        try:
            return _launch(directory, environment, settings, port)
        except LaunchError:
            if port == 0 or _is_free(settings.host, port):
                raise
            directory.forget_process()  # somebody else took the port meanwhile
    raise LaunchError(f"no free port on {settings.host} from {settings.port} upward; change sandbox.port")


def _launch(
    directory: ContainerDirectory, environment: Mapping[str, str], settings: SandboxSettings, port: int
) -> None:
    command = [
        sys.executable,
        "-I",
        "-S",
        str(SUPERVISE),
        str(directory.path),
        *_server_command(directory, settings, port),
    ]
    with directory.log.open("ab") as log:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=directory.root,
            timeout=settings.engine_timeout,
            check=False,
        )
    if finished.returncode != 0:
        raise LaunchError("the supervisor could not start the sandbox process")
    _wait_for_port(directory, settings.engine_timeout)


def _candidate_ports(host: str, base: int | None) -> Iterator[int]:
    if base is None:
        yield 0
        return
    for port in range(base, min(base + PORTS_TO_TRY, 65536)):
        if _is_free(host, port):
            yield port


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True


def _server_command(directory: ContainerDirectory, settings: SandboxSettings, port: int) -> list[str]:
    roots = [str(directory.root), *(mount.host_path for mount in settings.mounts)]
    options = ["--host", settings.host, "--port", str(port), "--port-file", str(directory.port_file)]
    options += ["--workdir", str(directory.root)]
    for root in roots:
        options += ["--root", root]
    return [sys.executable, "-I", "-S", str(SANDBOXD), *options]


def _environment(directory: ContainerDirectory, own: Mapping[str, str]) -> dict[str, str]:
    # Nothing of the worker's environment but the search path: it holds the worker's secrets.
    inherited = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory.root), "LANG": "C.UTF-8"}
    return {**inherited, **own}


def _wait_for_port(directory: ContainerDirectory, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if directory.find_port() is not None:
            return
        if directory.find_exit() is not None:
            raise LaunchError("the sandbox process ended before it listened")
        time.sleep(POLL_SECONDS)
    raise LaunchError(f"the sandbox process did not listen within {timeout:g} s")
