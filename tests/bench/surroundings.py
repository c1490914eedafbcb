"""What goes on around the sandboxes of a generated history: workers that come and go, sweeps, operators."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from provider.domain import events as ev
from provider.domain.log import Author

IMAGES = {
    "sandbox-ledger/sandbox:latest": 60,
    "sandbox-ledger/sandbox:1.4": 20,
    "agents/python:3.12": 12,
    "agents/node:22": 7,
    "agents/torch:2.5-cuda": 1,
}
"""With how often each is used."""
HOSTS = tuple(f"host-{number}" for number in range(1, 9))
WORKERS = 12
LEDGER = "ledger"
SWEEP_EVERY = timedelta(minutes=5)

Note = tuple[Author, str, int, ev.Event]
"""Who says it, in which stream, as which version, and what."""


class Surroundings:
    """Decides what happens next beside the sandboxes, and remembers what it adds up to."""

    def __init__(self, chosen: random.Random) -> None:
        self._random = chosen
        self.versions: Counter[str] = Counter()
        self.workers = [self._new_worker(number) for number in range(WORKERS)]
        self._rows: dict[str, dict[str, Any]] = {}
        self._sweeps: list[dict[str, Any]] = []

    def happen(self, now: datetime) -> Iterator[Note]:
        """Yield what happens at this moment: mostly nothing; never more than two events."""
        starting = next((worker for worker in self.workers if worker not in self._rows), None)
        if starting is not None:
            yield self._start(starting, now)
        elif self._sweep_is_due(now):
            yield from self._sweep(now)
        elif self._random.random() < 1 / 150:
            yield from self._operate()
        elif self._random.random() < 1 / 5000:
            yield self._lose(now)

    def tables(self, now: datetime) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Give the rows that are no projections: the workers, whose hearts have just beaten, and the sweeps."""
        alive = {"heartbeat_at": now}
        rows = [row if row["ended_at"] else {**row, **alive} for row in self._rows.values()]
        tables = {"workers": rows, "sweeps": self._sweeps}
        return {name: found for name, found in tables.items() if found}

    def _new_worker(self, number: int) -> str:
        return f"{self._random.choice(HOSTS)}-{100 + number}-{self._random.getrandbits(32):08x}"

    def _note(self, actor: str, stream: str, event: ev.Event, correlation: str | None = None) -> Note:
        self.versions[stream] += 1
        author = Author(actor, correlation or str(uuid.UUID(int=self._random.getrandbits(128), version=4)))
        return author, stream, self.versions[stream], event

    def _start(self, worker: str, now: datetime) -> Note:
        host, pid = worker.rsplit("-", 2)[0], int(worker.rsplit("-", 2)[1])
        self._rows[worker] = {
            "worker_id": worker, "host": host, "pid": pid, "started_at": now, "heartbeat_at": now, "ended_at": None,
            "ended_as": None,
        }  # fmt: skip
        started = ev.WorkerStarted(worker_id=worker, host=host, pid=pid)
        return self._note(f"worker:{worker}", f"worker:{worker}", started)

    def _lose(self, now: datetime) -> Note:
        place = self._random.randrange(WORKERS)
        worker, self.workers[place] = self.workers[place], self._new_worker(place)
        heard = now - timedelta(seconds=31)
        self._rows[worker].update(heartbeat_at=heard, ended_at=now, ended_as="lost")
        return self._note("sweeper:bench", f"worker:{worker}", ev.WorkerLost(worker_id=worker, last_heartbeat_at=heard))

    def _sweep_is_due(self, now: datetime) -> bool:
        return not self._sweeps or now - self._sweeps[-1]["started_at"] >= SWEEP_EVERY

    def _sweep(self, now: datetime) -> Iterator[Note]:
        actions = self._random.choice((0, 0, 0, 1, 3))
        failed = self._random.random() < 0.01
        counts = {"expected": 60, "observed": 60, "actions": actions, "failures": int(failed)}
        self._sweeps.append({
            "sweep_id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)), "started_at": now,
            "finished_at": now + timedelta(milliseconds=412), "leader": self.workers[0], "token": 1, **counts,
            "error": "the engine did not answer" if failed else None,
        })  # fmt: skip
        if actions:
            yield self._note(f"sweeper:{self.workers[0]}", LEDGER, ev.SweepCompleted(**counts))

    def _operate(self) -> Iterator[Note]:
        action, operator = self._random.choice(("release", "destroy", "sweep")), self._random.choice(("ann", "bob"))
        asked = {"operator": operator, "action": action, "target": f"{self._random.getrandbits(64):016x}"}
        actor, reason = f"operator:{operator}", "an agent hangs"
        request = self._note(actor, LEDGER, ev.OperatorActionRequested(**asked, reason=reason))
        yield request
        done = ev.OperatorActionCompleted(**asked, outcome="done", detail="")
        yield self._note(actor, LEDGER, done, request[0].correlation_id)
