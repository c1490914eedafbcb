"""Liveness from the kernel for containers whose engine shares this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from provider.backends.docker.engine import Inspection
from provider.backends.pidfd import PidfdLiveness, open_proven

_PROC = Path("/proc")


def open_kernel_liveness(inspection: Inspection) -> PidfdLiveness | None:
    """Open a probe on the container's first process; None where this machine cannot prove that it is that process.

    It cannot where the engine runs elsewhere or in another pid namespace: the pid then is nobody's or a stranger's.
    """
    pid = inspection["State"].get("Pid") or 0
    return open_proven(pid, partial(is_in_container, inspection["Id"]))


def is_in_container(container_id: str, pid: int, *, proc: Path = _PROC) -> bool:
    """Tell whether the process is in the container's control group.

    Every driver puts the full id into the path: `/docker/<id>`, `system.slice/docker-<id>.scope`, under any prefix.
    """
    try:
        groups = (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return False
    return len(container_id) >= 64 and container_id in groups
