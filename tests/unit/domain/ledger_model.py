"""A small world for the sweep: a ledger of folded states, an engine, workers, a clock; acting as the runtime does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from provider.domain import decisions
from provider.domain.containers import Discovered, Evidence, SandboxInfo
from provider.domain.decisions import Creation
from provider.domain.events import Event
from provider.domain.orphans import USER_LABEL, decide_adopt, is_expected
from provider.domain.reconciliation import Plan, Policy, Step, is_idle, reconcile
from provider.domain.state import Generation, SandboxState, Stamp, evolve, settled
from provider.domain.sweeps import OpenGeneration, OpenSandbox, Recorded
from provider.domain.workers import WorkerRow

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOST = "engine-host"
LEASE = 30.0


@dataclass
class World:
    """The ledger and the engine of one installation."""

    now: datetime = NOW
    states: dict[str, SandboxState] = field(default_factory=dict)
    activity: dict[str, datetime] = field(default_factory=dict)
    workers: dict[str, WorkerRow] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    containers: list[Discovered] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    _numbers: int = 0

    def add_worker(self, worker_id: str, *, silent: float = 0.0, ended: bool = False) -> None:
        beat = self.now - timedelta(seconds=silent)
        self.workers[worker_id] = WorkerRow(
            worker_id, "host", 1, beat, beat, beat if ended else None, "stopped" if ended else None, silent
        )

    def state(self, sandbox_id: str) -> SandboxState:
        return self.states.get(sandbox_id, SandboxState(sandbox_id=sandbox_id))

    def append(self, sandbox_id: str, events: Sequence[Event], *, age: float = 0.0) -> None:
        state = self.state(sandbox_id)
        for event in events:
            self.events.append((sandbox_id, event))
            stamp = Stamp(position=len(self.events), recorded_at=self.now - timedelta(seconds=age))
            state = evolve(state, event, stamp)
        self.states[sandbox_id] = settled(state)

    def create(self, sandbox_id: str, worker_id: str = "w", *, age: float = 0.0, backend: str = "fake") -> None:
        creation = Creation(
            sandbox_id=sandbox_id, user_id=self.owners.get(sandbox_id), thread_id=None, worker_id=worker_id,
            backend=backend, image="i", container_prefix="sandbox",
        )  # fmt: skip
        self.append(sandbox_id, decisions.decide_create(self.state(sandbox_id), creation), age=age)

    def start(self, sandbox_id: str, *, age: float = 0.0) -> None:
        state = self.state(sandbox_id)
        if state.status == "creating":
            info = self.put(sandbox_id, state.generation, age=age)
            self.append(sandbox_id, decisions.decide_started(state, info), age=age)

    def ready(self, sandbox_id: str, holders: Sequence[str] = (), *, age: float = 0.0) -> None:
        state = self.state(sandbox_id)
        if state.status == "creating":
            self.append(sandbox_id, decisions.decide_ready(state, state.generation, 1.0, holders), age=age)

    def put(
        self, sandbox_id: str, generation: int, *, age: float = 0.0, running: bool = True, host: str = HOST
    ) -> SandboxInfo:
        self._numbers += 1
        info = SandboxInfo(
            sandbox_id, generation, f"c{self._numbers}", f"sandbox-{sandbox_id}-g{generation}", host, "http://x"
        )
        owner = self.owners.get(sandbox_id)
        labels = {USER_LABEL: owner} if owner is not None else {}
        self.containers.append(Discovered(info, running, self.now - timedelta(seconds=age), labels))
        return info

    def stop(self, info: SandboxInfo) -> None:
        self.containers = [replace(c, running=False) if c.info == info else c for c in self.containers]

    def destroy(self, info: SandboxInfo) -> None:
        by_id = info.container_id is not None
        self.containers = [
            c
            for c in self.containers
            if (c.info.container_id != info.container_id if by_id else c.info.container_name != info.container_name)
        ]

    def is_alive(self, info: SandboxInfo) -> bool:
        return any(c.running for c in self.containers if c.info.container_id == info.container_id)

    def recorded(self) -> Recorded:
        opened = [
            self._open(state)
            for state in self.states.values()
            if any(g.removed_at is None for g in state.generations) or state.retry_at is not None
        ]
        closed = {state.sandbox_id: state.generation for state in self.states.values()}
        return Recorded(self.now, opened, tuple(self.workers.values()), closed)

    def plan(self, policy: Policy) -> Plan:
        return reconcile(self.containers, self.recorded(), self.now, policy)

    def _open(self, state: SandboxState) -> OpenSandbox:
        used = self.activity.get(state.sandbox_id)
        assert state.updated_at is not None
        return OpenSandbox(
            state.sandbox_id, state.version, state.status, state.generation, state.holders, state.retry_at,
            max(used or state.updated_at, state.updated_at), tuple(_open_generation(g) for g in state.generations),
            state.user_id,
        )  # fmt: skip


def _open_generation(g: Generation) -> OpenGeneration:
    return OpenGeneration(
        g.number, g.backend, g.worker_id, g.container_id, g.container_name, g.host, g.creating_at,
        g.ended_at is not None, g.died_at is not None, g.needs_evidence,
    )  # fmt: skip


def act(world: World, plan: Plan, policy: Policy) -> None:
    """Carry a plan out, as the runtime does, on an engine that always answers."""
    for worker_id in plan.lost_workers:
        row = world.workers[worker_id]
        world.workers[worker_id] = replace(row, ended_at=world.now, ended_as="lost")
    for step in plan.steps:
        _act(world, step, policy)


def _act(world: World, step: Step, policy: Policy) -> None:  # noqa: C901
    sandbox_id, number, state = step.sandbox_id, step.generation, world.state(step.sandbox_id)
    match step.kind:
        case "dead" | "missing":
            current = state.find(number)
            assert current is not None
            if not world.is_alive(current.info(sandbox_id)):
                world.append(sandbox_id, decisions.decide_died(state, number, "sweep", world.now, None))
                settle(world, sandbox_id)
        case "abandoned":
            world.append(sandbox_id, decisions.decide_create_failed(state, number, "abandoned", "gone"))
            settle(world, sandbox_id)
        case "release":
            world.append(sandbox_id, decisions.decide_release(state, str(step.worker_id), "lost_worker"))
        case "idle":
            assert state.updated_at is not None
            used_at = max(world.activity.get(sandbox_id) or state.updated_at, state.updated_at)
            assert is_idle(used_at, world.now, policy.idle_timeout, others_hold=False), "planned, but in use"
            world.append(sandbox_id, decisions.decide_evict(state, number, "idle"))
            settle(world, sandbox_id)
        case "capacity":
            assert state.status == "warm"
            world.append(sandbox_id, decisions.decide_evict(state, number, "capacity"))
            settle(world, sandbox_id)
        case "settle":
            settle(world, sandbox_id)
        case "clear_backoff":
            world.append(sandbox_id, decisions.decide_clear_backoff(state, "time"))
        case "adopt":
            assert step.orphan is not None
            world.append(sandbox_id, decide_adopt(state, step.orphan, "fake", "i"))
        case "orphan":
            assert step.orphan is not None
            if not is_expected(state, step.orphan.info):
                world.destroy(step.orphan.info)


def settle(world: World, sandbox_id: str) -> None:
    """Examine and remove what is out of use."""
    for generation in world.state(sandbox_id).generations:
        if generation.backend != "fake":
            continue
        number, info = generation.number, generation.info(sandbox_id)
        if generation.needs_evidence:
            evidence = Evidence(found=any(c.info == info for c in world.containers), exit_code=137)
            world.append(sandbox_id, decisions.decide_examined(world.state(sandbox_id), number, evidence))
        current = world.state(sandbox_id).find(number)
        if current is not None and current.needs_removal:
            world.destroy(info)
            world.append(sandbox_id, decisions.decide_removed(world.state(sandbox_id), number, None))
