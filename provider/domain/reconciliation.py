"""Reconciliation: what the engine has against what the ledger says, and the steps that bring them together.

The ledger is read first, the engine is listed after it. In this order whatever the listing has in addition is young
(a container is made only after its intent is committed, so its age protects it until the next sweep knows the intent),
and whatever the listing lacks was taken away by an event that the version check of the step finds. The other way round,
a container removed in between would be in the listing, old, and in no record: it would pass for an orphan.

A step is only a proposal. It is decided again on the state that is there when it is carried out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from provider.domain.containers import Discovered, SandboxInfo
from provider.domain.orphans import ORPHAN_ORDER, Orphan, can_be_adopted
from provider.domain.policy import Capacity
from provider.domain.sweeps import OpenGeneration, OpenSandbox, Recorded
from provider.domain.workers import WorkerRow, has_lapsed

Kind = Literal[
    "dead", "missing", "abandoned", "release", "idle", "capacity", "settle", "clear_backoff", "adopt", "orphan",
]  # fmt: skip

ACTIVITY_LAG_SECONDS = 3.0
"""How old the recorded activity of another process may be: it is flushed in batches every two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a sweep goes by; durations in seconds, `idle_timeout` 0 never reaps. `worker_id` is the sweeping worker's.

    `backend` names whose containers the listing has; `checks` is False under `auto_restart: false`, where
    nobody looks whether containers run.
    """

    worker_id: str
    backend: str
    lease_seconds: float
    idle_timeout: float
    capacity: Capacity
    orphan_grace: float
    checks: bool = True
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do about one sandbox. `version` is that of the state it was planned on."""

    kind: Kind
    sandbox_id: str
    generation: int
    version: int
    why: str
    worker_id: str | None = None
    orphan: Orphan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep would do. `unplaced` names orphans that could be adopted, had the ledger room for them."""

    expected: int
    observed: int
    steps: tuple[Step, ...] = ()
    lost_workers: tuple[str, ...] = ()
    unplaced: tuple[SandboxInfo, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps and not self.lost_workers

    def count(self, *kinds: Kind) -> int:
        """Count the steps of these kinds."""
        return sum(step.kind in kinds for step in self.steps)


def reconcile(observed: Sequence[Discovered], recorded: Recorded, now: datetime, policy: Policy) -> Plan:
    """Plan one sweep. `now` is the database's time; acting on a plan and planning again gives an empty one."""
    return _Planner(observed, recorded, now, policy).plan()


@dataclass(slots=True)
class Room:
    """Counts live sandboxes against the limits. Who has no name shares no limit with others who have none."""

    capacity: Capacity
    taken: int = 0
    taken_by: Counter[str] = field(default_factory=Counter)

    def take(self, user_id: str | None) -> None:
        """Count a sandbox in."""
        self.taken += 1
        if user_id is not None:
            self.taken_by[user_id] += 1

    def leave(self, user_id: str | None) -> None:
        """Count a sandbox out."""
        self.taken -= 1
        if user_id is not None:
            self.taken_by[user_id] -= 1

    def has_place_for(self, user_id: str | None) -> bool:
        """Return whether one more sandbox of this user fits."""
        return self.taken < self.capacity.replicas and self._left_to(user_id) > 0

    def evict_surplus(self, warm: Sequence[OpenSandbox]) -> Iterator[tuple[OpenSandbox, str]]:
        """Choose from warm sandboxes, the least recently used first, until the limits hold again; tell why.

        A user's limit comes first: what goes for it makes room for all.
        """
        gone: set[str] = set()
        for sandbox in warm:
            if self._left_to(sandbox.user_id) < 0:
                why = f"user {sandbox.user_id} has {self.taken_by[str(sandbox.user_id)]} live sandboxes, "
                yield sandbox, f"{why}at most {self.capacity.per_user} may be"
                gone.add(sandbox.sandbox_id)
                self.leave(sandbox.user_id)
        for sandbox in warm:
            if self.taken > self.capacity.replicas and sandbox.sandbox_id not in gone:
                yield sandbox, f"{self.taken} sandboxes are live, at most {self.capacity.replicas} may be"
                self.leave(sandbox.user_id)

    def _left_to(self, user_id: str | None) -> int:
        if user_id is None or self.capacity.per_user is None:
            return 1
        return self.capacity.per_user - self.taken_by[user_id]


@dataclass(slots=True)
class _Planner:
    observed: Sequence[Discovered]
    recorded: Recorded
    now: datetime
    policy: Policy
    expected: int = 0
    steps: list[Step] = field(default_factory=list)
    unplaced: list[SandboxInfo] = field(default_factory=list)
    _warm: list[tuple[datetime, OpenSandbox]] = field(default_factory=list)
    _leaving: set[str] = field(default_factory=set)
    _workers: dict[str, WorkerRow] = field(default_factory=dict)
    _hosts: frozenset[str] = frozenset()
    _found: dict[tuple[str, int], list[Discovered]] = field(default_factory=dict)
    _room: Room = field(init=False)

    def plan(self) -> Plan:
        self._room = Room(self.policy.capacity)
        self._workers = {row.worker_id: row for row in self.recorded.workers}
        self._hosts = frozenset(found.info.host for found in self.observed)
        for found in self.observed:
            self._found.setdefault((found.info.sandbox_id, found.info.generation), []).append(found)
        for sandbox in self.recorded.sandboxes:
            self._plan_sandbox(sandbox)
        self._plan_orphans()
        self._plan_capacity()
        return Plan(
            expected=self.expected, observed=len(self.observed), steps=tuple(self.steps),
            lost_workers=self._lost(), unplaced=tuple(self.unplaced),
        )  # fmt: skip

    def _plan_sandbox(self, sandbox: OpenSandbox) -> None:
        if sandbox.occupies:
            self._room.take(sandbox.user_id)
        current = sandbox.current
        if sandbox.is_live and current is not None:
            self._plan_live(sandbox, current)
        elif sandbox.status == "creating" and current is not None:
            self._plan_creation(sandbox, current)
        if sandbox.retry_at is not None and sandbox.retry_at <= self.now:
            self._add("clear_backoff", sandbox, sandbox.generation, "its back-off is over")
        unsettled = [g for g in sandbox.generations if g.ended or g.needs_evidence]
        if any(self._is_reachable(g) for g in unsettled):
            numbers = ", ".join(str(g.number) for g in unsettled)
            self._add("settle", sandbox, unsettled[-1].number, f"generation {numbers} is out of use and not removed")

    def _plan_live(self, sandbox: OpenSandbox, current: OpenGeneration) -> None:
        if self.policy.checks and current.container_id is not None and self._is_reachable(current):
            self.expected += 1
            if self._plan_death(sandbox, current):
                return
        gone = [holder for holder in sandbox.holders if self._has_lapsed(holder, sandbox.used_at)]
        for holder in gone:
            why = f"worker {holder}, which held it, is gone"
            self._add("release", sandbox, current.number, why, worker_id=holder)
        holders = [holder for holder in sandbox.holders if holder not in gone]
        if self._is_idle(sandbox, holders, released=bool(gone)):
            self._leave(sandbox)
            seconds = (self.now - sandbox.used_at).total_seconds()
            self._add("idle", sandbox, current.number, f"unused for {seconds:.0f} s")
        elif not holders:
            self._warm.append((self.now if gone else sandbox.used_at, sandbox))

    def _plan_death(self, sandbox: OpenSandbox, current: OpenGeneration) -> bool:
        listed = self._found.get((sandbox.sandbox_id, current.number), ())
        mine = next((found for found in listed if found.info.container_id == current.container_id), None)
        if mine is not None and mine.running:
            return False
        if mine is None and current.host is not None and self._hosts and current.host not in self._hosts:
            return False
        self._leave(sandbox)
        if mine is not None:
            self._add("dead", sandbox, current.number, "its container does not run")
        else:
            self._add("missing", sandbox, current.number, "the engine does not list its container")
        return True

    def _plan_creation(self, sandbox: OpenSandbox, current: OpenGeneration) -> None:
        if current.worker_id is not None and self._has_lapsed(current.worker_id, current.creating_at):
            self._leave(sandbox)
            why = f"its creator, worker {current.worker_id}, is gone"
            self._add("abandoned", sandbox, current.number, why, worker_id=current.worker_id)

    def _is_idle(self, sandbox: OpenSandbox, holders: Sequence[str], *, released: bool) -> bool:
        timeout = self.policy.idle_timeout
        if released:
            return False  # a release is an event, and the time counts from the last one
        # The sweeping process has just flushed its own activity; what others did may not be written yet.
        others = any(holder != self.policy.worker_id for holder in holders)
        return is_idle(sandbox.used_at, self.now, timeout, others_hold=others)

    def _plan_capacity(self) -> None:
        self._warm.sort(key=lambda entry: (entry[0], entry[1].sandbox_id))
        for sandbox, why in self._room.evict_surplus([sandbox for _, sandbox in self._warm]):
            self._add("capacity", sandbox, sandbox.generation, why)

    def _plan_orphans(self) -> None:
        known = {(s.sandbox_id, g.number): g for s in self.recorded.sandboxes for g in s.generations}
        orphans = [
            Orphan.of(found)
            for key, listed in self._found.items()
            for found in listed
            if key not in known or _is_duplicate(found, known[key])
        ]
        if not orphans:
            return
        sandboxes = {sandbox.sandbox_id: sandbox for sandbox in self.recorded.sandboxes}
        adopted: set[str] = set()
        for orphan in sorted(orphans, key=ORPHAN_ORDER):
            sandbox = sandboxes.get(orphan.info.sandbox_id)
            if self._is_adoptable(orphan, sandbox, adopted):
                self._plan_adoption(orphan, sandbox, adopted)
            elif _is_old(orphan, self.now, self.policy):
                self._add_orphan("orphan", orphan, sandbox, "the ledger does not know its container")

    def _is_adoptable(self, orphan: Orphan, sandbox: OpenSandbox | None, adopted: set[str]) -> bool:
        sandbox_id = orphan.info.sandbox_id
        is_free = sandbox is None or not sandbox.occupies or sandbox_id in self._leaving
        newest = sandbox.generation if sandbox else self.recorded.closed.get(sandbox_id, 0)
        return self.policy.adopt and is_free and sandbox_id not in adopted and can_be_adopted(orphan, newest)

    def _plan_adoption(self, orphan: Orphan, sandbox: OpenSandbox | None, adopted: set[str]) -> None:
        adopted.add(orphan.info.sandbox_id)
        if not self._room.has_place_for(orphan.user_id):
            self.unplaced.append(orphan.info)
            return
        self._room.take(orphan.user_id)
        self._add_orphan("adopt", orphan, sandbox, "it runs, and the ledger has no container for its sandbox")

    def _leave(self, sandbox: OpenSandbox) -> None:
        self._leaving.add(sandbox.sandbox_id)
        self._room.leave(sandbox.user_id)

    def _is_reachable(self, generation: OpenGeneration) -> bool:
        """Whether this worker's engine can answer for a container: another backend or machine has others."""
        if generation.backend != self.policy.backend:
            return False
        return generation.host is None or not self._hosts or generation.host in self._hosts

    def _has_lapsed(self, worker_id: str, since: datetime) -> bool:
        if worker_id == self.policy.worker_id:
            return False
        unseen = (self.now - since).total_seconds()
        return has_lapsed(self._workers.get(worker_id), self.policy.lease_seconds, unseen)

    def _lost(self) -> tuple[str, ...]:
        return tuple(
            row.worker_id
            for row in self.recorded.workers
            if row.ended_at is None and self._has_lapsed(row.worker_id, row.heartbeat_at)
        )

    def _add(
        self, kind: Kind, sandbox: OpenSandbox, generation: int, why: str, *, worker_id: str | None = None
    ) -> None:
        self.steps.append(Step(kind, sandbox.sandbox_id, generation, sandbox.version, why, worker_id))

    def _add_orphan(self, kind: Kind, orphan: Orphan, sandbox: OpenSandbox | None, why: str) -> None:
        info, version = orphan.info, sandbox.version if sandbox else 0
        self.steps.append(Step(kind, info.sandbox_id, info.generation, version, why, orphan=orphan))


def is_idle(used_at: datetime, now: datetime, timeout: float, *, others_hold: bool) -> bool:
    """Return whether a sandbox has been unused for longer than the timeout; never with timeout 0.

    Where another process holds it, its activity may be on record only `ACTIVITY_LAG_SECONDS` later.
    """
    lag = ACTIVITY_LAG_SECONDS if others_hold else 0.0
    return timeout > 0 and (now - used_at).total_seconds() > timeout + lag


def _is_old(orphan: Orphan, now: datetime, policy: Policy) -> bool:
    if orphan.created_at is None:
        return False  # unknown is not old
    return now - orphan.created_at > timedelta(seconds=max(policy.orphan_grace, policy.lease_seconds))


def by_sandbox(steps: Iterable[Step]) -> Mapping[str, list[Step]]:
    """Group steps by sandbox: those of one are carried out in order, the sandboxes side by side."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.sandbox_id, []).append(step)
    return groups


def _is_duplicate(found: Discovered, recorded: OpenGeneration) -> bool:
    """Return whether another container than the recorded one claims its generation; the recorded one is kept.

    Before its container's id is on record, nobody can say which one it is.
    """
    return recorded.container_id is not None and found.info.container_id != recorded.container_id
