"""restart(): replace a sandbox's container by a fresh one, under the same id, for everyone who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.core.patience import Patience
from provider.domain.actions import require_version
from provider.domain.decisions import Creation, decide_restart
from provider.domain.errors import CapacityExceeded, SandboxGone
from provider.domain.events import Event
from provider.domain.ids import parse_sandbox_id
from provider.domain.log import Author
from provider.domain.policy import Capacity
from provider.domain.state import SandboxState
from provider.runtime.binding import bind
from provider.runtime.capacity import Admission
from provider.runtime.create import bring_up, intend
from provider.runtime.holds import Usage
from provider.runtime.release import require_known
from provider.runtime.replica import Replica
from provider.runtime.worker.background import Background
from provider.runtime.worker.worker import Worker

if TYPE_CHECKING:
    from provider.sandbox.sandbox import Sandbox


class Restart:
    """Restarts sandboxes. The old container is removed while the new one starts."""

    def __init__(self, worker: Worker, replica: Replica, usage: Usage, background: Background) -> None:
        self._worker = worker
        self._replica = replica
        self._usage = usage
        self._background = background

    def restart(self, sandbox_id: str, author: Author, seen: int | None = None) -> Sandbox:
        """Evict the container and start the next generation; its holders keep holding it.

        With `seen`, only at this version of the sandbox, else raise `VersionConflict`. One that has no place any more
        needs room first, as in acquire(). Raise `CapacityExceeded` when there is none, `SandboxNotFound` for an
        unknown id, `SandboxStartError` or `BackendUnavailable` when the start fails, and `SandboxGone` when it was
        taken out of use meanwhile.
        """
        parse_sandbox_id(sandbox_id)
        worker = self._worker
        before = worker.store.load(sandbox_id)
        require_known(before)
        require_version(before, seen)
        try:
            with worker.creating(sandbox_id):
                intended = self._intend(before, author, seen)
                self._replica.drop(sandbox_id, before.generation)
                self._background.settle(sandbox_id, author)
                made = bring_up(worker, intended, author, before.holders) if intended is not None else None
        except BaseException:
            self._background.give_up(sandbox_id, author)
            raise
        state = made if made is not None else worker.store.load(sandbox_id)
        if not state.is_live:
            raise SandboxGone(sandbox_id, "another call took it over during the restart; call acquire() again")
        return bind(worker, self._replica, self._usage, state).sandbox

    def _intend(self, before: SandboxState, author: Author, seen: int | None) -> SandboxState | None:
        worker = self._worker
        identity = (before.sandbox_id, before.user_id, before.thread_id)
        admission = Admission(worker, self._replica, self._background, before.sandbox_id, before.user_id, author)

        def decide(state: SandboxState, creation: Creation) -> list[Event]:
            require_version(state, seen)
            return decide_restart(state, creation)

        def begin(capacity: Capacity) -> SandboxState | None:
            return intend(worker, identity, author, decide, capacity)

        if before.occupies:
            try:
                return begin(admission.capacity)  # it has its place, and nobody to wait for
            except CapacityExceeded:
                pass  # it has lost it meanwhile
        patience = Patience(worker.settings.acquire_timeout)
        try:
            while isinstance(intended := admission.admit(begin), CapacityExceeded):
                patience.wait(intended)
        finally:
            admission.leave()
        return intended
