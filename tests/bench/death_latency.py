"""A container is killed: how soon is `SandboxDied` committed, with nobody asking for the sandbox.

The clock starts right before `kill(2)` on the container's first process and stops when a look at the ledger, every
half millisecond, finds the event.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Mapping

from provider import SandboxProvider, open_provider
from provider.backends.pidfd import wait_ended
from provider.domain.events import SandboxDestroyed, SandboxDied
from provider.store.log.event_store import SqlEventStore
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.containers import PREFIX
from tests.bench.hands import percentile
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median
from tests.bench.victims import FindPid, Place, on_docker, on_processes
from tests.support.waiting import wait_until

LOOK_SECONDS = 0.0005


def kill_many(
    provider: SandboxProvider, store: SqlEventStore, find_pid: FindPid, kills: int
) -> tuple[list[float], list[float]]:
    """Start, kill, see the death recorded, wait for the removal; tell the seconds, and when the kernel told."""
    seconds, noticed, floor = [], [], []
    for number in range(kills + 1):
        sandbox_id = provider.acquire(f"dies-{number}")
        assert provider.get(sandbox_id) is not None
        pid, before = find_pid(sandbox_id), store.head_position()
        pidfd = os.pidfd_open(pid)
        time.sleep(0.05 + 0.05 * (number % 7) / 7)  # idle, and at no fixed place between two looks of the watcher
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        wait_ended(pidfd, 10)
        told = time.monotonic() - began
        while store.head_position() == before:
            time.sleep(LOOK_SECONDS)
        taken = time.monotonic() - began
        os.close(pidfd)
        (recorded,) = store.read_all(before, 1)
        assert isinstance(recorded.event, SandboxDied), f"expected a death, found {recorded.event.type}"
        wait_until(lambda: _is_removed(store, before), what="the removal", timeout_seconds=30)  # noqa: B023
        if number:  # the first one is the warm-up
            seconds.append(taken)
            floor.append(told)
            noticed.append(recorded.event.detected_by)
    assert set(noticed) == {"watch"}, f"noticed by {set(noticed)}"
    return seconds, floor


def _is_removed(store: SqlEventStore, after: int) -> bool:
    return any(isinstance(recorded.event, SandboxDestroyed) for recorded in store.read_all(after))


def run(name: str, place: Place, stage: Stage, kills: int, bound: float) -> Mapping[str, Reading]:
    """Kill one after the other; nobody asks and nobody sweeps, so only the watcher can notice."""
    logging.getLogger("provider").setLevel(logging.ERROR)
    store = stage.new_store("sqlite")
    with place(stage) as (sandbox, find_pid):
        settings = {
            "database": {"url": store.database.url},
            "sandbox": {"container_prefix": PREFIX, "stop_timeout": 0.5, "replicas": 1000, **sandbox},
            "sweeper": {"enabled": False},
        }
        with open_provider(settings) as provider:
            seconds, floor = kill_many(provider, store, find_pid, 3 if stage.quick else kills)
    late = sum(one > bound / 1000 for one in seconds)
    against = (
        f"{len(seconds)} kills: median {in_words(median(seconds))}, worst {in_words(max(seconds))}, {late} above "
        f"{bound:g} ms; the kernel told a bare poll after {in_words(median(floor))}, worst {in_words(max(floor))}"
    )
    return {name: Reading(percentile(seconds, 99) * 1000, against)}


def make(name: str, place: Place, kills: int, bound: float) -> Benchmark:
    """Make the benchmark for one backend and one way to notice."""
    claim = Claim(f"death_{name}", "ms p99", Goal("<=", bound))
    return Benchmark(claim.name, (claim,), lambda stage: run(claim.name, place, stage, kills, bound))


PROCESS = make("process", on_processes, 100, 20)
KERNEL = make("docker_kernel", lambda stage: on_docker(stage, "kernel"), 40, 20)
WATCH = make("docker_watch", lambda stage: on_docker(stage, "watch"), 40, 250)
