"""A hundred real containers that ignore SIGTERM: one sweep removes them side by side."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from provider import open_provider
from provider.backends.labels import container_name, labels_for
from provider.bootstrap.engines import open_backend
from provider.config.loading import load_settings
from provider.domain.containers import SandboxSpec
from provider.domain.ids import derive_sandbox_id
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.stage import Stage

CONTAINERS = 100
STOP_SECONDS = 10.0
LEASE_SECONDS = 0.5
IGNORE = ["sh", "-c", "trap '' TERM; while :; do sleep 3600 & wait; done"]


def run(stage: Stage) -> Mapping[str, Reading]:
    """Start them behind the ledger's back, let one sweep find and remove them, and time it."""
    import docker

    number, stop_seconds = (5, 1.0) if stage.quick else (CONTAINERS, STOP_SECONDS)
    store = stage.new_store("sqlite")
    settings = load_settings({
        "database": {"url": store.database.url},
        "sandbox": {"engine": stage.docker, "image": stage.image, "container_prefix": "sl-stubborn",
                    "engine_timeout": 60, "stop_timeout": stop_seconds, "liveness": "inspect"},
        "worker": {"heartbeat_interval": 0.1, "lease_time": LEASE_SECONDS},
        "sweeper": {"enabled": False, "orphan_grace": 0},
    })  # fmt: skip
    backend = open_backend(settings, store.ledger_id)
    client = docker.APIClient(stage.docker, version="auto", timeout=60)

    def start(thread: int) -> None:
        spec = SandboxSpec(derive_sandbox_id(None, f"t{thread}"), 1, None, f"t{thread}")
        labels, name = labels_for(store.ledger_id, spec), container_name("sl-stubborn", spec)
        made = client.create_container(stage.image, IGNORE, labels=labels, name=name, entrypoint=[])
        client.start(made["Id"])

    try:
        with open_provider(settings, backend=backend) as worker, ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(start, range(number)))
            time.sleep(2 * LEASE_SECONDS)  # no container is an orphan before a lease has passed
            began = time.perf_counter()
            report = worker.sweep()
            seconds = time.perf_counter() - began
            left = len(backend.discover())
    finally:
        for stale in client.containers(all=True, filters={"name": "^/?sl-stubborn-"}):
            client.remove_container(stale["Id"], force=True)
        client.close()
    against = f"{number} containers that ignore SIGTERM, stop_timeout {stop_seconds:g} s: {seconds:.1f} s, {left} left"
    gone = left == 0 and report.counts.orphaned == number
    return {"sweep_stubborn": Reading(seconds / stop_seconds if gone else float(number), against)}


STUBBORN = Benchmark("sweep_stubborn", (Claim("sweep_stubborn", "x stop_timeout", Goal("<=", 2)),), run)
