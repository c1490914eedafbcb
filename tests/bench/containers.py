"""A provider on a Docker engine, and the engine's own API beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import docker

from provider import SandboxProvider, open_provider
from provider.domain.errors import SandboxError
from tests.bench.stage import Stage

PREFIX = "sl-bench"


@contextmanager
def provider_on_docker(stage: Stage) -> Iterator[SandboxProvider]:
    """Open a provider with an empty ledger; its containers are removed at the end."""
    settings = {
        "database": {"url": stage.empty_database("sqlite")},
        "sandbox": {
            "backend": "docker", "engine": stage.docker, "image": stage.image, "container_prefix": PREFIX,
            "auto_restart": True, "replicas": 1000, "restart_backoff": {"free": 1000}, "stop_timeout": 0.5,
        },
    }  # fmt: skip
    logging.getLogger("provider").setLevel(logging.ERROR)
    with open_provider(settings) as provider:
        yield provider


def destroy(provider: SandboxProvider, sandbox_id: str) -> None:
    """Take a sandbox out of use and remove its container."""
    provider.destroy(sandbox_id, actor="operator:bench")


@contextmanager
def engine_client(stage: Stage) -> Iterator[docker.APIClient]:
    """Open the low-level client, and remove at the end whatever a benchmark left behind."""
    client = docker.APIClient(base_url=stage.docker, version="auto", timeout=60)
    try:
        yield client
    finally:
        for left in client.containers(all=True, filters={"name": f"^/?{PREFIX}-"}):
            client.remove_container(left["Id"], force=True, v=True)
        client.close()


def running_container(client: docker.APIClient, sandbox_id: str) -> str:
    """Find the id of a sandbox's running container by its labels."""
    found = client.containers(filters={"label": [f"sandbox-ledger.sandbox={sandbox_id}"], "status": "running"})
    if len(found) != 1:
        raise SandboxError(f"sandbox {sandbox_id}: {len(found)} running containers")
    return str(found[0]["Id"])
