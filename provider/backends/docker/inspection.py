"""What the engine's answers mean, in the words of the port. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from provider.backends.addresses import sandbox_url
from provider.backends.labels import container_name, find_identity, network_name
from provider.domain.containers import Discovered, Limits, SandboxInfo, SandboxSpec

SANDBOX_PORT = 8080
"""Where sandboxd listens inside its container; the AIO image listens there too."""

RUNNING_STATES = {"running", "paused", "restarting"}
_BUILT_IN_NETWORKS = {"", "default", "bridge", "host", "none"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class EngineHost:
    """Where an engine's containers are: the engine's machine, and how its published ports are reached."""

    host: str
    reached_at: str = "127.0.0.1"


def reached_at(address: str) -> str:
    """Return the host under which ports published on all interfaces are reached, from the engine's address."""
    return "127.0.0.1" if address.startswith(("unix:", "npipe:")) else urlsplit(address).hostname or "127.0.0.1"


def is_running(inspection: Mapping[str, Any]) -> bool:
    """Tell whether the container runs; paused and restarting ones do."""
    state = inspection["State"]
    return bool(state["Running"]) or state.get("Status") in RUNNING_STATES


def limits_of(inspection: Mapping[str, Any]) -> Limits:
    """Read what the engine enforces."""
    host = inspection.get("HostConfig") or {}
    cpus, pids = host.get("NanoCpus") or 0, host.get("PidsLimit") or 0
    return Limits(
        memory_bytes=host.get("Memory") or None,
        cpus=cpus / 1e9 if cpus else None,
        pids=pids if pids > 0 else None,
    )


def parse_time(text: str | None) -> datetime | None:
    """Parse the engine's times (nanoseconds); its zero time is None."""
    match = _TIME.fullmatch(text or "")
    if match is None or match[1].startswith("0001"):
        return None
    return datetime.fromisoformat(f"{match[1]}{match[2] or ''}{match[3].replace('Z', '+00:00')}").astimezone(UTC)


def published_url(inspection: Mapping[str, Any], place: EngineHost) -> str:
    """Return the URL of the published port; empty when none is."""
    bindings = (inspection.get("NetworkSettings", {}).get("Ports") or {}).get(f"{SANDBOX_PORT}/tcp")
    if not bindings:
        return ""
    return sandbox_url(bindings[0]["HostIp"], int(bindings[0]["HostPort"]), everywhere=place.reached_at)


def inner_url(inspection: Mapping[str, Any]) -> str:
    """Return the URL at the container's own address, for the engine's machine only; empty when it has none."""
    networks = (inspection.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = [one.get("IPAddress") for one in networks.values() if one.get("IPAddress")]
    return sandbox_url(addresses[0], SANDBOX_PORT) if addresses else ""


def named_url(name: str) -> str:
    """Return the URL inside a network of containers."""
    return f"http://{name}:{SANDBOX_PORT}"


def read_entry(entry: Mapping[str, Any], ledger_id: str, prefix: str, place: EngineHost) -> Discovered | None:
    """Read one line of the engine's listing; None when it is not this ledger's with this name prefix."""
    labels = entry.get("Labels") or {}
    identity = find_identity(labels, ledger_id)
    name = str((entry.get("Names") or [""])[0]).lstrip("/")
    if identity is None or name != container_name(prefix, SandboxSpec(*identity)):
        return None
    info = SandboxInfo(
        sandbox_id=identity[0],
        generation=identity[1],
        container_id=entry["Id"],
        container_name=name,
        host=place.host,
        url=_listed_url(entry, name, place, ledger_id),
    )
    created_at = datetime.fromtimestamp(entry["Created"], UTC) if entry.get("Created") else None
    return Discovered(info, entry.get("State") in RUNNING_STATES, created_at, dict(labels))


def _listed_url(entry: Mapping[str, Any], name: str, place: EngineHost, ledger_id: str) -> str:
    for port in entry.get("Ports") or ():
        if port.get("PrivatePort") == SANDBOX_PORT and port.get("PublicPort"):
            return sandbox_url(port.get("IP", ""), port["PublicPort"], everywhere=place.reached_at)
    networks = set((entry.get("NetworkSettings") or {}).get("Networks") or ())
    if networks & {network_name(ledger_id, "open"), network_name(ledger_id, "none")}:
        return inner_url(entry)
    mode = (entry.get("HostConfig") or {}).get("NetworkMode", "")
    return "" if mode in _BUILT_IN_NETWORKS else named_url(name)
