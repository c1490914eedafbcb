"""The worker process that is struck: it prepares its use case, installs the hook, acts, and leaves in order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from provider.core import faults
from provider.domain.errors import SandboxError
from tests.faults.hook import Hook, Kind, Place
from tests.faults.stage import Stage
from tests.faults.use_cases import USE_CASES, Actors
from tests.support.waiting import wait_until

AT_THE_END = ("append.SandboxReleased", "append.WorkerStopped")
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """One worker's task."""

    use_case: str
    stage: Stage
    place: Place | None
    kind: Kind
    notes: Path
    """The points it passes are noted here."""

    @property
    def done(self) -> Path:
        """Exists when the use case is over; holds the error it ended with."""
        return self.notes.with_suffix(".done")

    @property
    def may_leave(self) -> Path:
        """The worker stays, with its heartbeat, until this exists."""
        return self.notes.with_suffix(".leave")


def run(job: Job) -> None:
    """Be the worker."""
    use_case, hook = USE_CASES[job.use_case], Hook(job.notes, job.place, job.kind)
    if use_case.opens:
        faults.install(hook)
    try:
        _act(job, hook)
    except SandboxError as caught:
        job.done.write_text(repr(caught))
    os._exit(0)  # threads of workers that were only part of the preparation do not keep it


def _act(job: Job, hook: Hook) -> None:
    use_case = USE_CASES[job.use_case]
    worker, process = job.stage.open_seen()
    actors = Actors(worker, job.stage)
    error = ""
    try:
        use_case.before(actors)
        faults.install(hook)
        try:
            use_case.act(actors)
        except (SandboxError, TimeoutError) as caught:
            error = repr(caught)
        if not use_case.closes:
            # What nobody waits for is done too: another process would be first to do the rest of it.
            assert process.background.wait_idle(PATIENCE_SECONDS), "the work in the background does not end"
            hook.ignore(*AT_THE_END)
            job.done.write_text(error)
            wait_until(job.may_leave.exists, what="the end of the case", timeout_seconds=PATIENCE_SECONDS)
    finally:
        actors.worker.shutdown()
        if use_case.closes:
            job.done.write_text(error)
