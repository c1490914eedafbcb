"""Operators' actions: what carries them out, with a worker of its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from provider.bootstrap.stores import open_store, undone_on_error
from provider.bootstrap.workers import assemble_worker, open_engine
from provider.runtime.operators.actions import OperatorActions
from provider.runtime.operators.operator_worker import OperatorWorker

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.ports.engine import SandboxBackend
    from provider.runtime.worker.process import WorkerProcess
    from provider.store.log.event_store import SqlEventStore


def open_actions(settings: Settings, *, backend: SandboxBackend | None = None) -> OperatorActions:
    """Return what carries out operators' actions. The first one opens ledger and engine; a forked child opens its own.

    It never sweeps by itself. Close it with `close()`: its worker, where it was needed, then leaves in order.
    """
    brief = dataclasses.replace(settings, sweeper=dataclasses.replace(settings.sweeper, enabled=False))

    def assemble() -> tuple[WorkerProcess, SqlEventStore]:
        store = open_store(brief)
        with undone_on_error(store.close):
            engine = open_engine(brief, store, backend)
        return assemble_worker(brief, store, engine), store

    return OperatorActions(OperatorWorker(assemble))
