"""Fifty real containers killed at once: one sweep evicts, examines and removes them all."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from provider import open_provider
from provider.bootstrap.engines import open_backend
from provider.config.loading import load_settings
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.stage import Stage

CONTAINERS = 50


def run(stage: Stage) -> Mapping[str, Reading]:
    """Start them, kill them, sweep once, count what is settled."""
    import docker

    number = 5 if stage.quick else CONTAINERS
    address, image = stage.docker, stage.image
    store = stage.new_store("sqlite")
    settings = load_settings({
        "database": {"url": store.database.url},
        # Without a watcher: the sweep is to find them.
        "sandbox": {"engine": address, "image": image, "replicas": number, "engine_timeout": 60, "stop_timeout": 1,
                    "acquire_timeout": 300, "liveness": "inspect"},
        "sweeper": {"enabled": False},
    })  # fmt: skip
    backend = open_backend(settings, store.ledger_id)
    client = docker.APIClient(address, version="auto", timeout=60)
    try:
        with open_provider(settings, backend=backend) as worker:
            with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
                list(pool.map(lambda n: worker.acquire(f"t{n}"), range(number)))
                list(pool.map(lambda info: client.kill(info.container_id or "", "SIGKILL"), backend.list_running()))
            deadline = time.monotonic() + 60
            while backend.list_running() and time.monotonic() < deadline:
                time.sleep(0.1)
            began = time.perf_counter()
            report = worker.sweep()
            seconds = time.perf_counter() - began
            left, dead = len(backend.discover()), report.counts.dead
            evidence = sum(e.event.type == "EvidenceCollected" for e in store.read_all())
    finally:
        client.close()
        cleaner = open_backend(settings, store.ledger_id)
        for found in cleaner.discover():
            cleaner.destroy(found.info)
        cleaner.close()
    settled = min(dead, evidence, number - left) / number
    against = f"{number} containers killed at once, one sweep of {seconds:.1f} s: {dead} dead, {left} left"
    return {"sweep_docker": Reading(100 * settled, against)}


DOCKER = Benchmark("sweep_docker", (Claim("sweep_docker", "% settled", Goal(">=", 100)),), run)
