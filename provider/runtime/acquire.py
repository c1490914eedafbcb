"""acquire(): a thread's sandbox, made, shared, taken from warm, or restarted; held by this worker on return."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provider.core.patience import Patience
from provider.domain import decisions
from provider.domain.errors import CrashLoopBackOff, SandboxError
from provider.domain.events import Event
from provider.domain.ids import SandboxId, check_name, derive_sandbox_id
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.abandon import give_up_abandoned
from provider.runtime.binding import bind
from provider.runtime.capacity import Admission
from provider.runtime.create import bring_up, give_up_own, intend
from provider.runtime.holds import Usage
from provider.runtime.liveness import is_alive, record_death
from provider.runtime.replica import Replica
from provider.runtime.worker.background import Background
from provider.runtime.worker.worker import Worker

logger = logging.getLogger(__name__)


class Acquire:
    """Acquires sandboxes for threads. Safe from any thread and any number of processes: one container per thread."""

    def __init__(self, worker: Worker, replica: Replica, usage: Usage, background: Background) -> None:
        self._worker = worker
        self._replica = replica
        self._usage = usage
        self._background = background

    def acquire(self, thread_id: str | None, user_id: str | None, timeout: float | None) -> SandboxId:
        """Return the id of the thread's sandbox, held by this worker."""
        user, thread = check_name("user_id", user_id), check_name("thread_id", thread_id)
        sandbox_id = derive_sandbox_id(user, thread) if thread is not None else SandboxId(secrets.token_hex(8))
        patience = Patience(self._worker.settings.acquire_timeout if timeout is None else timeout)
        author = self._worker.author()
        admission = Admission(self._worker, self._replica, self._background, sandbox_id, user, author)
        with self._usage.of(sandbox_id):
            try:
                while (blocked := self._try(Attempt(sandbox_id, user, thread, author, admission))) is not None:
                    patience.wait(blocked)
            finally:
                admission.leave()
            self._replica.hold(sandbox_id)
        self._usage.touch(sandbox_id)
        return sandbox_id

    def _try(self, attempt: Attempt) -> SandboxError | None:
        """Go one step. None when the sandbox is held; else the error to raise if the caller's time is over now."""
        worker = self._worker
        state = worker.store.load(attempt.sandbox_id)
        decisions.check_identity(state, attempt.user_id, attempt.thread_id)
        step = decisions.plan_acquire(state)
        if step == "check":
            return self._hold(state, attempt.author)
        if step == "wait":
            self._take_over_abandoned(state, attempt.author)
            return attempt.not_in_time("another worker is still starting it")
        self._check_backoff(state)
        try:
            with worker.creating(attempt.sandbox_id):
                return self._create(attempt, state.retry_at)
        except BaseException:
            self._background.give_up(attempt.sandbox_id, attempt.author)
            raise

    def _create(self, attempt: Attempt, retry_at: datetime | None) -> SandboxError | None:
        worker, identity = self._worker, (attempt.sandbox_id, attempt.user_id, attempt.thread_id)

        def decide(current: SandboxState, creation: decisions.Creation) -> Sequence[Event]:
            # A back-off that began since it was looked at is none that is over.
            return decisions.decide_create(current, creation) if current.retry_at == retry_at else []

        intended = attempt.admission.admit(lambda capacity: intend(worker, identity, attempt.author, decide, capacity))
        if isinstance(intended, SandboxError):
            return intended
        made = bring_up(worker, intended, attempt.author, [worker.worker_id]) if intended is not None else None
        if made is None:
            return attempt.not_in_time("other workers changed it all the time")
        bind(worker, self._replica, self._usage, made)
        self._usage.note(made.sandbox_id, made.generation)
        if len(made.generations) > 1:
            self._background.settle(made.sandbox_id, attempt.author)
        return None

    def _check_backoff(self, state: SandboxState) -> None:
        if state.retry_at is None or state.retry_at <= self._worker.store.now():
            return
        last = self._worker.store.find_previous(state.sandbox_id, state.generation + 1)
        evidence = None if last is None else {
            "generation": last.number, "end_reason": last.end_reason, "exit_code": last.exit_code,
            "oom_killed": last.oom_killed, "finished_at": last.finished_at,
        }  # fmt: skip
        raise CrashLoopBackOff(state.sandbox_id, state.retry_at, evidence)

    def _hold(self, state: SandboxState, author: Author) -> SandboxError | None:
        worker = self._worker
        binding = bind(worker, self._replica, self._usage, state)
        moved_on = SandboxError(f"sandbox {state.sandbox_id}: died or was evicted again and again; try again")
        if worker.settings.auto_restart and not is_alive(worker, binding):
            record_death(worker, self._replica, binding.info, "acquire", worker.author())
            return moved_on

        def decide(current: SandboxState) -> Sequence[Event]:
            return decisions.decide_hold(current, worker.worker_id) if current.generation == binding.generation else []

        held, _ = worker.commit(state.sandbox_id, decide, author)
        if not held.is_live or held.generation != binding.generation:
            return moved_on
        self._usage.note(state.sandbox_id, binding.generation)
        return None

    def _take_over_abandoned(self, state: SandboxState, author: Author) -> None:
        """Give up a creation that nobody works on any more, so that the next try can begin a new one."""
        current = state.current
        if current is not None and current.worker_id == self._worker.worker_id:
            give_up_own(self._worker, state.sandbox_id, author)
        else:
            give_up_abandoned(self._worker, state, author)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One acquire's subject and means."""

    sandbox_id: str
    user_id: str | None
    thread_id: str | None
    author: Author
    admission: Admission

    def not_in_time(self, why: str) -> SandboxError:
        """Return the error for a caller whose time is over, with what to do."""
        return SandboxError(
            f"sandbox {self.sandbox_id}: not acquired in time, {why}; "
            f"read `sandbox-ledger history {self.sandbox_id}`, then try again"
        )
