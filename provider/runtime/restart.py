"""restart(): replace a sandbox's container by a fresh one, under the same id, for everyone who holds it."""

from __future__ import annotations

from provider.domain.errors import SandboxGone
from provider.domain.ids import parse_sandbox_id
from provider.runtime.activity import Activity
from provider.runtime.bind import bind
from provider.runtime.create import create
from provider.runtime.destroy import evict
from provider.runtime.release import require_known
from provider.runtime.replica import Replica
from provider.runtime.worker import Worker
from provider.sandbox.sandbox import Sandbox


def restart(worker: Worker, replica: Replica, activity: Activity, sandbox_id: str, actor: str | None) -> Sandbox:
    """Evict the container and start the next generation; its holders keep holding it.

    Raise `SandboxNotFound` for an unknown id, `SandboxStartError` or `BackendUnavailable` when the start fails, and
    `SandboxGone` when it was destroyed meanwhile.
    """
    parse_sandbox_id(sandbox_id)
    author = worker.author(actor)
    before = worker.store.load(sandbox_id)
    require_known(before)
    evict(worker, replica, sandbox_id, "request", author)
    identity = (sandbox_id, before.user_id, before.thread_id)
    made = create(worker, identity, author, holders=before.holders, cause="restart")
    state = made if made is not None else worker.store.load(sandbox_id)
    if not state.is_live:
        raise SandboxGone(sandbox_id, "another call took it over during the restart; call acquire() again")
    return bind(worker, replica, activity, state).sandbox
