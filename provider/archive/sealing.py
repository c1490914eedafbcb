"""Sealing the log: by the leader on schedule, or by an operator who keeps the seal outside."""

from __future__ import annotations

from provider.core.commit import commit_ledger
from provider.domain.log import Author
from provider.domain.seals import SealKey, is_due, make_seal, to_event
from provider.domain.verification import RecordedSeal
from provider.ports.log import EventStore, SealLedger

LOOK_SECONDS = 60.0
"""How often a leader looks whether a seal is due: a process that never lives for a whole interval seals too."""


class Sealing:
    """Seals one ledger, with the HMAC of a key where there is one."""

    def __init__(self, store: EventStore, seals: SealLedger, key: SealKey | None) -> None:
        self._store = store
        self._seals = seals
        self._key = key

    def seal(self, author: Author) -> RecordedSeal | None:
        """Seal the log as it is now and return its newest seal; None for an empty log.

        Nothing is appended when nothing but the last seal itself came since. A log whose head row and last event do
        not agree is refused with `CorruptLogError`.
        """
        last, head = self._seals.find_last(), self._seals.sealable_head()
        if not is_due(head, last.seal if last is not None else None, self._key):
            return last
        commit_ledger(self._store, to_event(make_seal(self._store.ledger_id, head, self._key)), author)
        return self._seals.find_last()

    def seal_if_older(self, seconds: float, author: Author) -> None:
        """Seal the log unless its newest seal is younger than that, by the database's clock."""
        last = self._seals.find_last()
        if last is None or (self._store.now() - last.recorded_at).total_seconds() >= seconds:
            self.seal(author)
