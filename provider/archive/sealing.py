"""Sealing the log: by the leader on schedule, or by an operator who keeps the seal outside.

Who can write the database, and has not the key, could erase events together with all seals and chain the rest anew; the
next honest seal would then vouch for what is left. So the sealer keeps its own seals outside the database, and signs no
log that does not extend the last of them. That a seal contains the one before needs nothing more: the hash it names is
over all events before it, and each seal is one of them.
"""

from __future__ import annotations

from provider.core.commit import commit_ledger
from provider.domain.errors import CorruptLogError
from provider.domain.log import Author
from provider.domain.seals import Seal, SealKey, check_authenticity, is_due, make_seal, to_event
from provider.domain.verification import RecordedSeal
from provider.ports.log import EventStore, KeptSeals, SealLedger

LOOK_SECONDS = 60.0
"""How often a leader looks whether a seal is due: a process that never lives for a whole interval seals too."""
ADVICE = (
    "nothing was sealed; run `sandbox-ledger verify`, and only if the ledger was put back from a backup on purpose, "
    "`sandbox-ledger seal --accept`"
)


class Sealing:
    """Seals one ledger, with the HMAC of a key where there is one."""

    def __init__(self, store: EventStore, seals: SealLedger, key: SealKey | None, kept: KeptSeals) -> None:
        self._store = store
        self._seals = seals
        self._key = key
        self._kept = kept

    def seal(self, author: Author, *, accept: bool = False) -> RecordedSeal | None:
        """Seal the log as it is now and return its newest seal; None for an empty log.

        Nothing is appended when nothing but the last seal itself came since. A log whose head row and last event do
        not agree, or that does not extend the last seal made here, is refused with `CorruptLogError`; with `accept`
        the seals made here are put aside first.
        """
        if accept:
            self._kept.start_anew()
        self._require_extension()
        last, head = self._seals.find_last(), self._seals.sealable_head()
        if is_due(head, last.seal if last is not None else None, self._key):
            commit_ledger(self._store, to_event(make_seal(self._store.ledger_id, head, self._key)), author)
            last = self._seals.find_last()
        if last is not None:
            self._keep(last.seal)
        return last

    def seal_if_older(self, seconds: float, author: Author) -> None:
        """Seal the log unless its newest seal is younger than that, by the database's clock."""
        last = self._seals.find_last()
        if last is None or (self._store.now() - last.recorded_at).total_seconds() >= seconds:
            self.seal(author)

    def _require_extension(self) -> None:
        last = self._kept.last()
        breach = self._seals.find_breach(last) if last is not None else None
        if last is not None and breach is not None:
            raise CorruptLogError(last.position, breach, ADVICE)

    def _keep(self, seal: Seal) -> None:
        last = self._kept.last()
        is_newer = last is None or last.position < seal.position
        if is_newer and (self._key is None or check_authenticity(seal, self._key) == "genuine"):
            self._kept.keep(seal)
