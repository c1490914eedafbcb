"""get(): the sandbox an agent holds, checked without asking the database or the engine where possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provider.domain.ids import require_text
from provider.runtime.binding import bind
from provider.runtime.holds import Usage
from provider.runtime.liveness import is_alive, record_death
from provider.runtime.replica import Binding, Replica
from provider.runtime.worker.worker import Worker

if TYPE_CHECKING:
    from provider.sandbox.sandbox import Sandbox

_ID = re.compile(r"[0-9a-f]{16}")


class SandboxLookup:
    """Finds sandboxes by id. Safe from any thread; holds no lock, so a slow check delays nobody else."""

    def __init__(self, worker: Worker, replica: Replica, usage: Usage) -> None:
        self._worker = worker
        self._replica = replica
        self._usage = usage
        self._checks = worker.settings.auto_restart
        self._find = replica.find
        self._touch = usage.touch

    def find(self, sandbox_id: str) -> Sandbox | None:
        """Find a sandbox in the replica that is proven alive without any I/O; None says nothing."""
        try:
            binding = self._find(sandbox_id)
        except TypeError:  # not hashable; checked here, because a check before would cost every call
            require_text(sandbox_id)
            raise
        if binding is not None and (not self._checks or binding.probe()):
            self._touch(sandbox_id)
            return binding.sandbox
        return None

    def get(self, sandbox_id: str) -> Sandbox | None:
        """Return the live sandbox, or None when the id is unknown or its container is dead (it is then evicted)."""
        require_text(sandbox_id)
        if not _ID.fullmatch(sandbox_id):
            return None
        checked: Binding | None = None
        while (state := self._worker.store.load(sandbox_id)).is_live:
            binding = bind(self._worker, self._replica, self._usage, state)
            if binding is checked or not self._checks:  # else replaced, by any worker, while it was being checked
                self._touch(sandbox_id)
                return binding.sandbox
            if is_alive(self._worker, binding):
                checked = binding
            else:
                record_death(self._worker, self._replica, binding.info, "get", self._worker.author())
        self._replica.drop(sandbox_id, state.generation)
        self._replica.deaths.wait(sandbox_id)  # the watcher may have been first: its death is then recorded to the end
        return None
