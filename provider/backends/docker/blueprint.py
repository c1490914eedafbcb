"""What a sandbox's container is made of: the settings in the engine's words. Pure but for reading a seccomp profile."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import docker
from docker.types import LogConfig, Mount

from provider.backends.docker.inspection import SANDBOX_PORT
from provider.backends.docker.network import NOWHERE, is_published
from provider.backends.labels import container_name, labels_for
from provider.config.settings import SandboxSettings, SecuritySettings
from provider.domain.containers import SandboxSpec
from provider.domain.errors import SandboxStartError
from provider.sandbox.access_token import identity_environment

WORK_DIRECTORY = "/workspace"
TEMPORARY_DIRECTORY = "/tmp"  # noqa: S108 -- in there
_WRITABLE = "rw,exec,nosuid,nodev,mode=1777"


def container_config(
    client: docker.APIClient,
    settings: SandboxSettings,
    ledger_id: str,
    spec: SandboxSpec,
    *,
    network: str,
    port: int | None,
) -> dict[str, Any]:
    """Return the arguments of `create_container`; `port` None lets the engine pick the host port."""
    name = container_name(settings.container_prefix, spec)
    config: dict[str, Any] = {
        "image": settings.image,
        "labels": labels_for(ledger_id, spec),
        "environment": _environment(settings, spec, name),
        "user": settings.security.user,
        "use_config_proxy": False,  # only what the settings say reaches a sandbox's environment
        "host_config": _host_config(client, settings, spec, network, port),
    }
    if is_published(settings):
        config["ports"] = [SANDBOX_PORT]
    return config


def _environment(settings: SandboxSettings, spec: SandboxSpec, name: str) -> dict[str, str]:
    own = identity_environment(spec, name)
    if settings.security.user is not None:
        own["SANDBOXD_USER"] = ""  # whoever the container runs as, commands run as well
    return {**settings.environment, **own}


def _host_config(
    client: docker.APIClient, settings: SandboxSettings, spec: SandboxSpec, network: str, port: int | None
) -> dict[str, Any]:
    limits, security = settings.limits, settings.security
    options: dict[str, Any] = {
        "mounts": [Mount(one.container_path, one.host_path, "bind", one.read_only) for one in settings.mounts],
        "cap_drop": ["ALL"],
        "cap_add": list(security.capabilities),
        "security_opt": _security_options(security, spec),
        # Bounded on the host's disk, and small enough for evidence to be read at once.
        "log_config": LogConfig(type="json-file", config={"max-size": "4m", "max-file": "2"}),
    }
    options |= {"read_only": security.read_only_root, "tmpfs": _tmpfs(settings)}
    if limits.disk is not None:
        options["storage_opt"] = {"size": str(int(limits.disk))}
    if security.runtime is not None:
        options["runtime"] = security.runtime
    if limits.memory is not None:
        options |= {"mem_limit": int(limits.memory), "memswap_limit": int(limits.memory)}
    if limits.cpus is not None:
        options["nano_cpus"] = math.floor(limits.cpus * 1e9)
    if limits.pids is not None:
        options["pids_limit"] = limits.pids
    options["network_mode"] = network
    if is_published(settings):
        options["port_bindings"] = {SANDBOX_PORT: (settings.host, port) if port else (settings.host,)}
    if settings.egress == "none":
        options["dns"] = [NOWHERE]
    config: dict[str, Any] = client.create_host_config(**options)
    return config


def _tmpfs(settings: SandboxSettings) -> dict[str, str]:
    """Return what is kept in memory: `/tmp` up to its limit, and what a read-only root would close to writing.

    What is mounted from the host stays as it is.
    """
    size, wanted = settings.limits.tmp, dict[str, str]()
    if settings.security.read_only_root:
        wanted |= {TEMPORARY_DIRECTORY: _WRITABLE, WORK_DIRECTORY: _WRITABLE}
    if size is not None:
        wanted[TEMPORARY_DIRECTORY] = f"{_WRITABLE},size={int(size)}"
    mounted = {mount.container_path for mount in settings.mounts}
    return {path: how for path, how in wanted.items() if path not in mounted}


def _security_options(security: SecuritySettings, spec: SandboxSpec) -> list[str]:
    options = ["no-new-privileges"] if security.no_new_privileges else []
    if security.seccomp == "unconfined":
        options.append("seccomp=unconfined")
    elif security.seccomp != "default":
        options.append(f"seccomp={_read_profile(security.seccomp, spec)}")
    return options


def _read_profile(path: str, spec: SandboxSpec) -> str:
    # The engine wants the profile itself: it may run on another machine.
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        message = f"sandbox.security.seccomp: cannot read the profile {path}: {error}"
        raise SandboxStartError(spec.sandbox_id, "create", message) from error
