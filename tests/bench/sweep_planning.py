"""Planning a sweep over 10,000 recorded and 10,000 observed containers, and a whole sweep of 10,000 healthy ones."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from provider import open_provider
from provider.config.loading import load_settings
from provider.domain.containers import Discovered, SandboxInfo, SandboxSpec
from provider.domain.ids import sandbox_stream
from provider.domain.log import Author
from provider.domain.policy import Capacity
from provider.domain.reconciliation import Policy, reconcile
from provider.domain.state import SandboxState
from provider.domain.sweeps import OpenGeneration, OpenSandbox, Recorded
from provider.store.log.event_store import SqlEventStore
from provider.testing import FakeBackend
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.stage import Stage

FLEET = 10_000
NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOST = "fake-host"
POLICY = Policy(
    worker_id="me", backend="fake", lease_seconds=30, idle_timeout=600,
    capacity=Capacity(replicas=FLEET, per_user=FLEET), orphan_grace=120,
)  # fmt: skip


def _fleet(size: int) -> tuple[list[Discovered], Recorded]:
    observed, recorded = [], []
    for number in range(size):
        sandbox_id = f"{number:016x}"
        info = SandboxInfo(sandbox_id, 1, f"c{number}", f"sandbox-{sandbox_id}-g1", HOST, "http://127.0.0.1:9")
        generation = OpenGeneration(1, "fake", "me", info.container_id, info.container_name, HOST, NOW)
        observed.append(Discovered(info, True, NOW))
        recorded.append(OpenSandbox(sandbox_id, 4, "active", 1, ("me",), None, NOW, (generation,)))
    return observed, Recorded(NOW, recorded, ())


def run_planning(stage: Stage) -> Mapping[str, Reading]:
    """Plan over a healthy fleet, and over one where every second container is gone."""
    observed, recorded = _fleet(FLEET)
    worst = 0.0
    for listed in (observed, observed[::2]):
        taken = []
        for _ in range(3 if stage.quick else 9):
            began = time.perf_counter()
            reconcile(listed, recorded, NOW, POLICY)
            taken.append(time.perf_counter() - began)
        worst = max(worst, statistics.median(taken))
    return {"sweep_planning": Reading(worst * 1000, f"{FLEET} recorded and {FLEET} observed, the worse of two fleets")}


def fill(store: SqlEventStore, engine: FakeBackend, size: int) -> None:
    """Record that many healthy sandboxes, each with its container on the engine."""
    from provider.domain.decisions import Creation, decide_create, decide_ready, decide_started

    author = Author("worker:filler", "0d9d5a3c-58f1-4a0c-9f0b-0f6f6a4f2b11")
    for number in range(size):
        sandbox_id = f"{number:016x}"
        creation = Creation(
            sandbox_id=sandbox_id, user_id=None, thread_id=f"t{number}", worker_id="filler", backend=engine.name,
            image=engine.image, container_prefix="sandbox",
        )  # fmt: skip
        state = SandboxState(sandbox_id=sandbox_id)
        intent = store.append(sandbox_stream(sandbox_id), 0, decide_create(state, creation), author, state=state).state
        assert intent is not None
        info = engine.plant(SandboxSpec(sandbox_id, 1))
        started = decide_started(intent, info)
        rest = [*started, *decide_ready(intent, 1, 0.5, ())]
        store.append(sandbox_stream(sandbox_id), intent.version, rest, author, state=intent)


def run_sweep(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Sweep a healthy fleet on the fake engine."""
    size = 500 if stage.quick else FLEET
    store = stage.new_store(dialect)
    engine = FakeBackend(store.ledger_id, probes=False)
    fill(store, engine, size)
    settings = load_settings(
        {
            "database": {"url": store.database.url},
            "sandbox": {"replicas": size, "idle_timeout": 0},
            "sweeper": {"enabled": False},
        }
    )
    with open_provider(settings, backend=engine) as worker:
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            report = worker.sweep()
            taken.append(time.perf_counter() - began)
            assert report.plan.is_empty
            assert report.counts.expected == report.counts.observed == size
    against = f"{size} healthy sandboxes, fake engine, median of {len(taken)}, worst {max(taken):.2f} s"
    return {f"sweep_{dialect}": Reading(statistics.median(taken), against)}


PLANNING = Benchmark("sweep_planning", (Claim("sweep_planning", "ms", Goal("<=", 300)),), run_planning)


def make(dialect: str) -> Benchmark:
    """Make the benchmark of a whole sweep for one kind of database."""
    claim = Claim(f"sweep_{dialect}", "s", Goal("<=", 1.0))
    return Benchmark(f"sweep_{dialect}", (claim,), lambda stage: run_sweep(stage, dialect))
