"""acquire(): a thread's sandbox, made, shared, taken from warm, or restarted; held by this worker on return."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta

from provider.domain import decisions
from provider.domain.errors import ConfigError, SandboxError
from provider.domain.events import Event
from provider.domain.ids import SandboxId, check_name, derive_sandbox_id
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.runtime.activity import Activity
from provider.runtime.bind import bind
from provider.runtime.create import create
from provider.runtime.liveness import bury, is_alive
from provider.runtime.replica import Replica
from provider.runtime.settle import settle
from provider.runtime.worker import Worker

logger = logging.getLogger(__name__)

FIRST_POLL_SECONDS = 0.005
LONGEST_POLL_SECONDS = 0.25
START_MARGIN_SECONDS = 30.0


class Acquire:
    """Acquires sandboxes for threads. Safe from any thread and any number of processes: one container per thread."""

    def __init__(self, worker: Worker, replica: Replica, activity: Activity) -> None:
        self._worker = worker
        self._replica = replica
        self._activity = activity

    def acquire(self, thread_id: str | None, user_id: str | None, timeout: float | None) -> SandboxId:
        """Return the id of the thread's sandbox, held by this worker."""
        user, thread = check_name("user_id", user_id), check_name("thread_id", thread_id)
        sandbox_id = derive_sandbox_id(user, thread) if thread is not None else SandboxId(secrets.token_hex(8))
        patience = Patience(self._worker.settings.acquire_timeout if timeout is None else timeout)
        author = self._worker.author()
        while not self._try(sandbox_id, user, thread, author):
            patience.wait(sandbox_id)
        self._activity.touch(sandbox_id)
        return sandbox_id

    def _try(self, sandbox_id: str, user: str | None, thread: str | None, author: Author) -> bool:
        """Go one step; True when the sandbox is held, False when the state has to be looked at again."""
        worker = self._worker
        state = worker.store.load(sandbox_id)
        decisions.check_identity(state, user, thread)
        step = decisions.plan_acquire(state)
        if step == "check":
            return self._hold(state, author)
        if step == "wait":
            self._take_over_abandoned(state, author)
            return False
        made = create(worker, (sandbox_id, user, thread), author, holders=[worker.worker_id])
        if made is None:
            return False
        bind(worker, self._replica, self._activity, made)
        settle_rest(worker, made, author)
        return True

    def _hold(self, state: SandboxState, author: Author) -> bool:
        worker = self._worker
        binding = bind(worker, self._replica, self._activity, state)
        if worker.settings.auto_restart and not is_alive(worker, binding):
            bury(worker, self._replica, binding, "acquire")
            return False

        def decide(current: SandboxState) -> Sequence[Event]:
            return decisions.decide_hold(current, worker.worker_id) if current.generation == binding.generation else []

        held, _ = worker.commit(state.sandbox_id, decide, author)
        return held.is_live and held.generation == binding.generation

    def _take_over_abandoned(self, state: SandboxState, author: Author) -> None:
        """Give up a creation that takes longer than any start may, so that the next try can make a new one."""
        worker, generation = self._worker, state.generation
        longest = timedelta(seconds=worker.settings.readiness.timeout + START_MARGIN_SECONDS)
        if not decisions.is_abandoned(state, worker.store.now(), longest):
            return
        reason = f"its creator stopped answering within {longest.total_seconds():.0f} s"
        worker.commit(
            state.sandbox_id, lambda s: decisions.decide_create_failed(s, generation, "abandoned", reason), author
        )
        settle(worker, state.sandbox_id, author)


class Patience:
    """Waits between looks at the ledger, from 5 ms growing to 250 ms, until the caller's time is over."""

    def __init__(self, timeout: object) -> None:
        if not isinstance(timeout, int | float) or not timeout >= 0:  # which NaN is not either
            raise ConfigError(f"acquire: timeout {timeout!r} is no number of seconds from 0 upward")
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._pause = FIRST_POLL_SECONDS

    def wait(self, sandbox_id: str) -> None:
        """Pause once; raise `SandboxError` at the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise SandboxError(
                f"sandbox {sandbox_id}: not acquired within {self._timeout:g} s, another worker is still starting it; "
                f"read `sandbox-ledger history {sandbox_id}`, then try again"
            )
        time.sleep(min(self._pause, left))
        self._pause = min(LONGEST_POLL_SECONDS, self._pause * 1.5)


def settle_rest(worker: Worker, state: SandboxState, author: Author) -> None:
    """Try again to finish with older generations, where there are any."""
    if len(state.generations) > 1:
        settle(worker, state.sandbox_id, author)
