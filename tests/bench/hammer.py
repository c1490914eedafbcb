"""One process that acquires and releases warm sandboxes, and writes down every wait."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provider import SandboxProvider, open_provider
from provider.domain.errors import SandboxError
from provider.domain.ids import derive_sandbox_id
from tests.support.file_engine import FileBackend

SANDBOXES = 200
KILL_EVERY = 5


@dataclass(frozen=True, slots=True)
class Round:
    """What one process did in one round: seconds of each acquire and release, the round's length, wrong ids, errors."""

    acquires: list[float]
    releases: list[float]
    seconds: float
    wrong: int
    errors: list[str]


Play = Callable[[float, bool], Round]


def open_on_files(url: str, directory: str) -> SandboxProvider:
    """Open a provider on the shared file engine; nobody sweeps, nothing backs off."""
    settings = {
        "database": {"url": url},
        "sandbox": {"replicas": 10 * SANDBOXES, "restart_backoff": {"free": 100_000}},
        "sweeper": {"enabled": False},
    }
    # Without probes: a probe of the file engine reads a file, and each process would read all of them all the time.
    return open_provider(settings, backend=FileBackend(Path(directory), probes=False))


@contextmanager
def hammering(url: str, directory: str, seed: int) -> Iterator[Play]:
    """Know all sandboxes, then acquire and release one picked at random, again and again."""
    chance, threads = random.Random(seed), [f"warm-{n}" for n in range(SANDBOXES)]
    engine = FileBackend(Path(directory))
    with open_on_files(url, directory) as provider:
        for thread in threads:
            provider.get(derive_sandbox_id(None, thread))

        def play(seconds: float, killing: bool) -> Round:
            acquires: list[float] = []
            releases: list[float] = []
            errors: list[str] = []
            wrong = count = 0
            began = time.perf_counter()
            while time.perf_counter() < began + seconds:
                thread = chance.choice(threads)
                count += 1
                if killing and count % KILL_EVERY == 0:
                    with contextlib.suppress(OSError):  # another process removes it just now
                        engine.kill(derive_sandbox_id(None, thread))
                try:
                    wrong += _turn(provider, thread, acquires, releases)
                except SandboxError as error:
                    errors.append(str(error))
            return Round(acquires, releases, time.perf_counter() - began, wrong, errors)

        yield play


def _turn(provider: SandboxProvider, thread: str, acquires: list[float], releases: list[float]) -> bool:
    began = time.perf_counter()
    sandbox_id = provider.acquire(thread)
    held = time.perf_counter()
    provider.release(sandbox_id)
    acquires.append(held - began)
    releases.append(time.perf_counter() - held)
    return sandbox_id != derive_sandbox_id(None, thread)
