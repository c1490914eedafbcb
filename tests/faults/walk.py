"""One case: a worker is struck at one place, another process goes on, and the checker reads what is left."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from provider import CrashLoopBackOff, SandboxProvider, SandboxStartError, StoreUnavailable
from tests.chaos.checker import check
from tests.chaos.observe import observe
from tests.faults.crew import is_alive, is_stopped, running, wait_for_end, wake
from tests.faults.hook import Kind, Place, read_places
from tests.faults.stage import THREAD, Stage
from tests.faults.use_cases import ID, USE_CASES
from tests.faults.victim import Job, run
from tests.support.waiting import wait_until

CASE_SECONDS = 60.0
PAUSES_TO_TRY = 3

MakeUrl = Callable[[Path], str]
"""Gives an empty, migrated ledger for the case with this directory."""


@dataclass(frozen=True, slots=True)
class Walker:
    """Makes a fresh ledger and a fresh engine for every case."""

    directory: Path
    make_url: MakeUrl

    def find_places(self, name: str) -> list[Place]:
        """Run the use case unharmed and list the places where it can be struck."""
        job = self._make_job(name, None, "kill")
        with running(run, job) as process:
            _wait_done(job, process)
            job.may_leave.touch()
            wait_for_end(process)
        assert job.done.read_text() == "", f"{name} fails unharmed: {job.done.read_text()}"
        places = read_places(job.notes)
        assert not (problems := _inspect(job, converged=False)), problems
        return places

    def strike(self, name: str, place: Place, kind: Kind) -> list[str]:
        """Strike one worker at one place and return everything that is wrong afterwards."""
        for _ in range(PAUSES_TO_TRY if kind == "pause" else 0):
            # SQLite lets nobody write while another thread of the paused worker is in the middle of it.
            with contextlib.suppress(StoreUnavailable):
                return self._strike(name, place, kind)
        return self._strike(name, place, kind)

    def _strike(self, name: str, place: Place, kind: Kind) -> list[str]:
        job = self._make_job(name, place, kind)
        with running(run, job) as process:
            _wait_struck(job, process)
            with job.stage.open("keep") as finisher:
                if _sweeps_first(place):
                    finisher.sweep()
                problems = _go_on(finisher, job.stage, f"after {kind} at {place}")
                wake(process)
                _wait_done(job, process)
                problems += _read_outcome(job)
                job.may_leave.touch()
                wait_for_end(process)
                problems += _go_on(finisher, job.stage, "after its end")
                _converge(finisher)
        # Later occurrences may be owed to a race that was lost in the recorded run only.
        if place.occurrence == 1 and place not in read_places(job.notes):
            problems.append(f"{place} was not reached")
        return [*problems, *_inspect(job)]

    def _make_job(self, name: str, place: Place | None, kind: Kind) -> Job:
        directory = self.directory / secrets.token_hex(6)
        directory.mkdir(parents=True)
        use_case = USE_CASES[name]
        stage = Stage(url=self.make_url(directory), directory=directory, **use_case.options)
        if use_case.abandoned_at is not None:
            first = Job("acquire_cold", stage, Place(use_case.abandoned_at, 1), "kill", directory / "first")
            with running(run, first) as process:
                ended = wait_for_end(process)
            assert ended == -9, f"{first.done.read_text() if first.done.exists() else read_places(first.notes)}"
        return Job(name, stage, place, kind, directory / "notes")


def _wait_struck(job: Job, process: BaseProcess) -> None:
    """Wait until the worker is killed, stopped, or through; some of its points are passed when it leaves."""
    what = f"{job.kind} at {job.place}"
    wait_until(
        lambda: is_stopped(process) or job.done.exists() or not is_alive(process),
        what=what, timeout_seconds=CASE_SECONDS,
    )  # fmt: skip
    if job.kind != "raise" and not is_stopped(process):
        job.may_leave.touch()
        wait_until(
            lambda: is_stopped(process) or not is_alive(process), what=what, timeout_seconds=CASE_SECONDS
        )  # fmt: skip


def _wait_done(job: Job, process: BaseProcess) -> None:
    done = job.done
    wait_until(
        lambda: done.exists() or not is_alive(process), what=f"{job.use_case} to end", timeout_seconds=CASE_SECONDS
    )


def _read_outcome(job: Job) -> list[str]:
    """A worker that wakes up finds what others did meanwhile: no error for its caller."""
    told = job.done.read_text() if job.kind == "pause" and job.use_case.startswith("acquire") else ""
    return [f"the woken worker's caller was told: {told}"] if told else []


def _sweeps_first(place: Place) -> bool:
    """Let half of the cases be taken over by a sweep, the other half by an acquire."""
    return zlib.crc32(str(place).encode()) % 2 == 0


def _go_on(finisher: SandboxProvider, stage: Stage, when: str) -> list[str]:
    """Use the thread's sandbox in another process: it must end up with the one running container."""
    sandbox_id = (
        wait_until(lambda: _try_acquire(finisher), what=f"an acquire {when}", timeout_seconds=CASE_SECONDS) or ""
    )
    sandbox = finisher.get(sandbox_id)
    running_ones = [info for info in stage.backend.list_running() if info.sandbox_id == ID]
    if sandbox is None or sandbox_id != ID:
        return [f"{when}: another process was not given the sandbox"]
    if [info.generation for info in running_ones].count(sandbox.generation) != 1:
        return [f"{when}: given generation {sandbox.generation}, but there run {running_ones}"]
    return []


def _try_acquire(finisher: SandboxProvider) -> str | None:
    try:
        return finisher.acquire(THREAD)
    except (SandboxStartError, CrashLoopBackOff):
        return None  # a failure that belongs to the use case and has come later than in it


def _converge(finisher: SandboxProvider) -> None:
    """Sweep until a sweep finds nothing to do."""

    def is_done() -> bool:
        finisher.sweep()
        report = finisher.sweep(dry_run=True)
        return not report.plan.steps and not report.plan.lost_workers

    wait_until(is_done, what="the sweeps to have finished everything", timeout_seconds=CASE_SECONDS)


def _inspect(job: Job, *, converged: bool = True) -> list[str]:
    seen = replace(observe(job.stage.url, job.stage.backend, replicas=job.stage.replicas), converged=converged)
    found = [str(violation) for violation in check(seen)]
    if not found:
        shutil.rmtree(job.stage.directory)
    return found
