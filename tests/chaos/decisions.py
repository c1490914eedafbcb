"""The random decisions, all from the seed: what each worker does next, and which fault comes when.

The sequence of decisions is the same in every run with the same seed; how they interleave is up to the machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

OPERATIONS = {
    "acquire": 30, "exec": 25, "release": 16, "destroy": 4, "restart": 3, "crash": 5, "tell_secret": 3, "sweep": 3,
    "fork": 1, "pause": 10,
}  # fmt: skip
DOCKER_OPERATIONS = OPERATIONS | {"oom": 1, "fork": 0}
WORKER_FAULTS = {"kill": 4, "stop": 4}
SERVER_FAULTS = {"restart_database": 1, "restart_engine": 1}


@dataclass(frozen=True, slots=True)
class Operation:
    """One worker's next deed."""

    name: str
    thread: str
    amount: float


@dataclass(frozen=True, slots=True)
class Fault:
    """The next fault: after how many seconds, to which worker, for how long."""

    after_seconds: float
    name: str
    worker: int
    amount: float


def decide_operations(seed: int, worker: int, life: int, threads: int, *, docker: bool) -> Iterator[Operation]:
    """Give one worker process its operations; `life` counts how often it was started again."""
    source = random.Random(f"{seed}/worker/{worker}/{life}")
    weights = DOCKER_OPERATIONS if docker else OPERATIONS
    while True:
        name = source.choices(list(weights), list(weights.values()))[0]
        yield Operation(name, f"thread-{source.randrange(threads)}", source.random())


def decide_faults(seed: int, workers: int, servers: tuple[str, ...]) -> Iterator[Fault]:
    """Give the director its faults; `servers` names the server faults that this run can do."""
    source = random.Random(f"{seed}/faults")
    weights = WORKER_FAULTS | {name: SERVER_FAULTS[name] for name in servers}
    while True:
        after = source.uniform(0.3, 1.2)
        name = source.choices(list(weights), list(weights.values()))[0]
        yield Fault(after, name, source.randrange(workers), source.random())
