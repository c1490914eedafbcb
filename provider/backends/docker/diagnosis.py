"""What `doctor` wants to know about the engine."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provider.backends.docker.engine import Engine
from provider.domain.errors import BackendUnavailable

_PEER = struct.Struct("3i")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class DockerDiagnosis:
    """What was found out about the engine; `errors` says for each field that is None why."""

    address: str
    image: str
    reachable: bool = False
    engine_version: str | None = None
    api_version: str | None = None
    host_name: str | None = None
    cgroup_version: str | None = None
    image_exists: bool | None = None
    kernel_liveness: bool | None = None
    errors: dict[str, str] = field(default_factory=dict)


def diagnose(engine: Engine, image: str) -> DockerDiagnosis:
    """Ask the engine about itself; never raises."""
    found = DockerDiagnosis(engine.address, image)
    for step in (_read_version, _read_info, _look_for_image, _look_for_kernel):
        found = _attempt(step, engine, found)
    return found


def _attempt(step: Callable[[Engine, str], dict[str, Any]], engine: Engine, found: DockerDiagnosis) -> DockerDiagnosis:
    try:
        return replace(found, **step(engine, found.image))
    except (BackendUnavailable, OSError) as error:
        return replace(found, errors={**found.errors, step.__name__.rpartition("_")[2]: str(error)})


def _read_version(engine: Engine, _: str) -> dict[str, Any]:
    with engine.asking("tell its version") as client:
        version = client.version()
        return {"reachable": True, "engine_version": version["Version"], "api_version": client.api_version}


def _read_info(engine: Engine, _: str) -> dict[str, Any]:
    with engine.asking("describe itself") as client:
        info = client.info()
        return {"host_name": info["Name"], "cgroup_version": info.get("CgroupVersion", "1")}


def _look_for_image(engine: Engine, image: str) -> dict[str, Any]:
    return {"image_exists": engine.has_image(image)}


def _look_for_kernel(engine: Engine, _: str) -> dict[str, Any]:
    return {"kernel_liveness": shares_pids(engine.address) and hasattr(os, "pidfd_open")}


def shares_pids(address: str) -> bool:
    """Tell whether the engine listens on a local socket and lives in this process's pid namespace.

    Necessary for a kernel probe; the proof is made for each container.
    """
    if not address.startswith("unix:"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect("/" + address.removeprefix("unix:").lstrip("/"))
        peer = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))[0]
    # 0 is a process of a namespace that cannot be seen from here.
    return bool(peer) and Path(f"/proc/{peer}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
