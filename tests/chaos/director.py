"""The director: starts the workers, strikes them and the servers, and brings everything to rest at the end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.process import BaseProcess

from provider import open_provider
from tests.chaos.checker import check
from tests.chaos.decisions import Fault, decide_faults
from tests.chaos.observation import Called, Handed, Violation
from tests.chaos.observe import observe
from tests.chaos.rigs import LEASE_SECONDS, REPLICAS, Rig
from tests.chaos.worker import USER, Job, work
from tests.faults.crew import start, wake
from tests.support.processes import find_naming, freeze_process
from tests.support.waiting import wait_until

REST_SECONDS = 90.0
SERVER_PAUSE_SECONDS = 6.0
"""Servers are left alone for so long after a restart, so that something happens in between."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did and what was found."""

    operations: Counter[str]
    faults: Counter[str]
    violations: list[Violation]
    events: int


@dataclass(slots=True)
class Director:
    """One chaos run. `servers` maps the server faults to what does them."""

    rig: Rig
    seed: int
    seconds: float
    workers: int
    threads: int = 6
    servers: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    _crew: list[BaseProcess] = field(default_factory=list)
    _lives: list[int] = field(default_factory=list)
    _faults: Counter[str] = field(default_factory=Counter)
    _server_struck_at: float = 0.0

    def run(self) -> Result:
        """Let it happen, then bring it to rest and check."""
        self.rig.enter()
        self._lives = [0] * self.workers
        try:
            self._crew = [self._start(worker) for worker in range(self.workers)]
            self._strike_for_a_while()
            self._stop()
            return self._judge()
        finally:
            for process in self._crew:
                process.kill()
                process.join(10)
            self._clean_up()

    def _start(self, worker: int) -> BaseProcess:
        return start(work, Job(self.rig, self.seed, worker, self._lives[worker], self.threads))

    def _strike_for_a_while(self) -> None:
        end = time.monotonic() + self.seconds
        for fault in decide_faults(self.seed, self.workers, tuple(self.servers)):
            if time.monotonic() + fault.after_seconds > end:
                return
            time.sleep(fault.after_seconds)
            self._strike(fault)

    def _strike(self, fault: Fault) -> None:
        process = self._crew[fault.worker]
        if fault.name in self.servers:
            if time.monotonic() - self._server_struck_at < SERVER_PAUSE_SECONDS:
                return
            self.servers[fault.name]()
            self._server_struck_at = time.monotonic()
        elif fault.name == "kill" or not process.is_alive():
            process.kill()
            process.join(10)
            self._lives[fault.worker] += 1
            self._crew[fault.worker] = self._start(fault.worker)
        else:
            freeze_process(process.pid or 0)
            time.sleep(fault.amount * 2 * LEASE_SECONDS)
            wake(process)
        self._faults[fault.name] += 1

    def _stop(self) -> None:
        (self.rig.directory / "stop").touch()
        wait_until(
            lambda: not any(process.is_alive() for process in self._crew),
            what="the workers to leave", timeout_seconds=REST_SECONDS,
        )  # fmt: skip

    def _judge(self) -> Result:
        with open_provider({**self.rig.settings, "sweeper": {"enabled": False, "orphan_grace": 0}}) as finisher:

            def is_at_rest() -> bool:
                finisher.sweep()
                report = finisher.sweep(dry_run=True)
                return not any(step.kind != "idle" for step in report.plan.steps) and not report.plan.lost_workers

            time.sleep(2 * LEASE_SECONDS)  # what is no proof before a lease time has passed is one now
            wait_until(is_at_rest, what="the sweeps to find nothing", timeout_seconds=REST_SECONDS)
        backend = self.rig.open_backend()
        try:
            texts = {path.name: path.read_text(errors="replace") for path in self.rig.directory.glob("log-*")}
            seen = observe(
                self.rig.url, backend, replicas=REPLICAS, handed=self._read_handed(), called=self._read_called(),
                secrets=[self.rig.secret], texts=texts,
            )  # fmt: skip
        finally:
            backend.close()
        return Result(self._count_operations(), self._faults, check(seen), len(seen.events))

    def _lines(self) -> list[dict[str, object]]:
        paths = sorted(self.rig.directory.glob("trace-*"))
        return [json.loads(line) for path in paths for line in path.read_text().splitlines()]

    def _count_operations(self) -> Counter[str]:
        return Counter(f"{line['op']} {line['outcome']}" for line in self._lines())

    def _read_handed(self) -> list[Handed]:
        lines = [line for line in self._lines() if isinstance(line.get("handed"), dict)]
        return [
            Handed(
                user_id=USER, thread_id=str(line["thread"]), began_at=datetime.fromisoformat(str(line["began_at"])),
                ended_at=datetime.fromisoformat(str(line["ended_at"])), **line["handed"],  # type: ignore[arg-type]
            )
            for line in lines
        ]  # fmt: skip

    def _read_called(self) -> list[Called]:
        return [
            Called(
                began_at=datetime.fromisoformat(str(line["began_at"])),
                ended_at=datetime.fromisoformat(str(line["ended_at"])), **line["called"],  # type: ignore[arg-type]
            )
            for line in self._lines()
            if isinstance(line.get("called"), dict)
        ]  # fmt: skip

    def _clean_up(self) -> None:
        backend = self.rig.open_backend()
        try:
            for found in backend.discover():
                backend.destroy(found.info)
        finally:
            backend.close()
        if self.rig.engine is None:
            for pid in find_naming(self.rig.directory / "state"):
                os.kill(pid, signal.SIGKILL)
