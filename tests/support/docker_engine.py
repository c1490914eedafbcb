"""A Docker engine for the tests: the machine's own where it answers, else a private one for as long as needed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import DockerException

from tests.support.bridge import SEARCH_PATH, Bridge, find_program
from tests.support.processes import (
    end_process,
    end_processes,
    find_children,
    find_naming,
    freeze_process,
    read_pid,
    spawn_detached,
    wait_for_exit,
)
from tests.support.requirements import UnavailableError
from tests.support.waiting import wait_until

SOCKET = Path("/var/run/docker.sock")
START_SECONDS = 60.0


@dataclass(frozen=True)
class EngineAddress:
    """Where an engine listens, and whether it is the tests' own. Enough to use it, not to stop it."""

    base_url: str
    private: bool


def find_engine() -> EngineAddress | None:
    """Return the engine of DOCKER_HOST or of the usual socket when it answers."""
    base_url = os.environ.get("DOCKER_HOST") or f"unix://{SOCKET}"
    return EngineAddress(base_url, private=False) if answers(base_url) else None


def answers(base_url: str) -> bool:
    """Say whether an engine answers there within two seconds."""
    # By hand: the SDK and httpx leave the socket open when nobody listens, and warnings are errors here.
    try:
        with _connect(base_url) as connection:
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return connection.recv(1024).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


@contextmanager
def _connect(base_url: str) -> Iterator[socket.socket]:
    address = urlsplit(base_url)
    with socket.socket(socket.AF_UNIX if address.scheme == "unix" else socket.AF_INET) as connection:
        connection.settimeout(2)
        connection.connect(address.path if address.scheme == "unix" else (address.hostname, address.port))
        yield connection


class PrivateDockerEngine:
    """A `dockerd` of its own, with its own storage, containers and bridge; nothing of it outlives `stop`.

    Its containers reach each other and are reached at ports published on loopback; they reach no other machine. With
    `live_restore`, they keep running while the engine is away; with `firewall`, the engine decides who reaches whom;
    `runtimes` names programs that run containers instead of its own. Raises UnavailableError when this machine or
    this account cannot run one.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        live_restore: bool = False,
        firewall: bool = False,
        runtimes: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self._directory = directory
        self._live_restore = live_restore
        self._firewall = firewall
        self._runtimes = runtimes
        self._bridge: Bridge | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def directory(self) -> Path:
        """Everything the engine keeps."""
        assert self._directory is not None, "the engine was not started"
        return self._directory

    @property
    def base_url(self) -> str:
        """Where the engine listens."""
        return _base_url(self.directory)

    def start(self) -> None:
        """Start the engine; returns when it answers."""
        _require_privileges()
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="sl-docker-", dir="/tmp"))
        self._bridge = Bridge.make(open_between=not self._firewall)
        (self._directory / "bridge").write_text(f"{self._bridge.name} {self._bridge.number}")
        try:
            self.launch()
        except UnavailableError:
            self.stop()
            raise

    def stop(self) -> None:
        """Remove the containers, stop the engine and remove everything it kept."""
        if self._directory is not None:
            stop_in(self._directory)
            shutil.rmtree(self._directory, ignore_errors=True)

    def shut_down(self) -> None:
        """Stop the engine as an administrator does; `launch` or `restart` starts it again with its data."""
        end_process(self._read_pid(), first=signal.SIGTERM, grace_seconds=30)

    def restart(self) -> None:
        """Stop the engine and start it again; containers survive it only with `live_restore`."""
        self.shut_down()
        self.launch()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the engine hang: it accepts connections and answers nothing."""
        pid = self._read_pid()
        freeze_process(pid)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def launch(self) -> None:
        """Start the engine on its directory; returns when it answers."""
        assert self._bridge is not None, "the engine was not started"
        where = self.directory
        options = [f"--bridge={self._bridge.name}", f"--default-address-pool={self._bridge.pool}"]
        options += [f"--iptables={str(self._firewall).lower()}"]
        options += [f"--add-runtime={name}={program}" for name, program in self._runtimes.items()]
        options += [f"--data-root={where}/data", f"--exec-root={where}/exec", f"--pidfile={where}/pid"]
        options += ["--host", self.base_url, *(["--live-restore"] if self._live_restore else [])]
        log = where / "log"
        pid = spawn_detached([find_program("dockerd") or "dockerd", *options], log=log, path=SEARCH_PATH)
        wait_until(
            lambda: answers(self.base_url) or wait_for_exit(pid, timeout_seconds=0),
            what="dockerd",
            timeout_seconds=START_SECONDS,
        )
        if not answers(self.base_url):
            last_words = " ".join(log.read_text().split())[-300:]
            raise UnavailableError(f"no Docker engine (dockerd does not start: ... {last_words})")

    def _read_pid(self) -> int:
        pid = read_pid(self.directory / "pid")
        assert pid is not None, "the engine does not run"
        return pid


def start_shared(directory: Path) -> dict[str, str]:
    """Start a private engine that other processes use, and return where it listens."""
    engine = PrivateDockerEngine(directory)
    engine.start()
    return {"base_url": engine.base_url}


def start_firewalled(directory: Path) -> dict[str, str]:
    """Start a private engine that keeps the firewall's rules itself, as engines do, and return where it listens."""
    engine = PrivateDockerEngine(directory, firewall=True)
    engine.start()
    return {"base_url": engine.base_url}


def stop_in(directory: Path) -> None:
    """Stop the private engine that runs in a directory, whoever started it, with all that it started and mounted."""
    pid = read_pid(directory / "pid")
    processes = find_naming(directory)
    if pid is not None and pid in processes:
        os.kill(pid, signal.SIGCONT)
        _remove_containers(_base_url(directory))
        end_process(pid, first=signal.SIGTERM, grace_seconds=30)
    # What a killed engine leaves: containerd, and a shim with a child for each container.
    for survivor in find_naming(directory):
        end_processes(find_children(survivor))
        end_process(survivor, first=signal.SIGKILL)
    _unmount_below(directory)
    if (directory / "bridge").exists():
        name, number = (directory / "bridge").read_text().split()
        Bridge(name, int(number)).remove()


def _base_url(directory: Path) -> str:
    return f"unix://{directory}/docker.sock"


def _require_privileges() -> None:
    missing = [name for name in ("dockerd", "iptables", "ip") if find_program(name) is None]
    reasons = ["not root"] if os.geteuid() != 0 else []
    reasons += [f"{' and '.join(missing)} not installed"] if missing else []
    if reasons:
        host = os.environ.get("DOCKER_HOST")
        silent = f"no answer from DOCKER_HOST {host}" if host else f"no answer from {SOCKET}"
        raise UnavailableError(f"no Docker engine ({silent}; no private one: {', '.join(reasons)})")


def _remove_containers(base_url: str) -> None:
    if not answers(base_url):
        return
    client = docker.DockerClient(base_url=base_url, timeout=30)
    try:
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True, v=True)
        for network in client.networks.list(filters={"type": "custom"}):
            network.remove()
    except (DockerException, requests.RequestException):
        return  # its processes are ended next
    finally:
        client.close()


def _unmount_below(directory: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{directory}/")), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
