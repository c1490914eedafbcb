"""Sandboxes as they were where the log in the database begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provider.ports.reading.sandboxes import SandboxAsOf
from provider.store.database import Database
from provider.store.log.chain_base import chain_base
from provider.store.projections.fold import Fold


class Baselines:
    """Reads the baseline of the last archive, and keeps the one read last. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = Fold()

    def read(self, sandbox_ids: Iterable[str]) -> Mapping[str, SandboxAsOf]:
        """Read those of these sandboxes of which something was archived."""
        fold = self._fold()
        found = ((sandbox_id, fold.find(sandbox_id)) for sandbox_id in sandbox_ids)
        return {sandbox_id: one for sandbox_id, one in found if one is not None}

    def _fold(self) -> Fold:
        fold = self._last
        with self._database.snapshot() as connection:
            if chain_base(connection).position != fold.position:
                fold = self._last = Fold.from_base(connection)
        return fold
