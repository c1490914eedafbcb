"""What archiving needs from the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from provider.domain.archives import Baseline, LedgerOrigin
from provider.domain.bundles import LinkedEvent
from provider.domain.log import ChainPoint, RecordedEvent


class ArchiveLedger(Protocol):
    """The archives of the log, and the raw log for bundles. Safe from any thread."""

    def describe_ledger(self) -> LedgerOrigin:
        """Describe the ledger: its id and age."""

    def base(self) -> ChainPoint:
        """Return the event behind which the log in the database goes on."""

    def position_before(self, moment: datetime) -> int:
        """Return the position of the last event recorded before a moment."""

    def read(self, after: ChainPoint, through: int) -> Iterator[LinkedEvent]:
        """Read raw events behind `after` up to a position, each one checked; raise `CorruptLogError`."""

    def make_baseline(self, through: int, progress: Callable[[int], None] | None = None) -> Baseline:
        """Fold the log up to a position: what remains of the events that leave."""

    def list_unfinished(self) -> Sequence[RecordedEvent]:
        """List the `LogArchived` events beyond the base, the newest first."""

    def record(self, recorded: RecordedEvent, baseline: Baseline) -> None:
        """Make a recorded archive the base of the chain: its events are read by nobody any more."""

    def prune(self, limit: int) -> int:
        """Delete up to `limit` archived events, the oldest first; 0 when none is left."""
