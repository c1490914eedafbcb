"""How far the log is sealed, for the pages that tell whether the record can be trusted."""

from __future__ import annotations

from collections.abc import Callable

from provider.domain.errors import FileError
from provider.ports.log import KeptSeals, SealLedger
from provider.ports.reading.queries import LedgerQueries
from provider.ports.reading.system import IntegritySummary


class Integrity:
    """How far the log is sealed. Safe from any thread; raises `StoreUnavailable`, `CorruptLogError` for a bad seal."""

    def __init__(self, seals: SealLedger, queries: LedgerQueries, kept: Callable[[], KeptSeals]) -> None:
        self._seals = seals
        self._queries = queries
        self._kept = kept

    def find_breach(self) -> str | None:
        """Return why this is not the log that was sealed on this host before; None when nothing says so."""
        try:
            last = self._kept().last()
        except FileError as error:
            return str(error)
        return self._seals.find_breach(last) if last is not None else None

    def summary(self) -> IntegritySummary:
        """Return what the newest seal says: two cheap reads, nothing is verified."""
        last = self._seals.find_last()
        head = self._queries.head_position()
        if last is None:
            return IntegritySummary(
                sealed_position=None, sealed_at=None, sealed_by=None, key_id=None, events_since=head
            )
        return IntegritySummary(
            sealed_position=last.seal.position, sealed_at=last.recorded_at, sealed_by=last.actor,
            key_id=last.seal.key_id, events_since=max(0, head - last.seal.position - 1),
        )  # fmt: skip
