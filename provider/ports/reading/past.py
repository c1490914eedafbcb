"""The ledger as it was at a moment: what has to be asked of the database for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from provider.domain.archives import ArchiveRow
from provider.domain.log import RecordedEvent
from provider.ports.reading.sandboxes import SandboxAsOf, SandboxRecord


class PastQueries(Protocol):
    """Reads what was then. Safe from any thread; raises `StoreUnavailable`."""

    def find_time_of(self, position: int) -> datetime | None:
        """Tell when an event was recorded; None for a position that the table does not have."""

    def list_ids_at(self, moment: datetime, *, with_container: bool) -> Sequence[str]:
        """List the sandboxes that existed at a moment, the newest first.

        `with_container` leaves out those whose containers were all removed by then.
        """

    def read_unchanged_since(self, moment: datetime, sandbox_ids: Collection[str]) -> Mapping[str, SandboxRecord]:
        """Read those of these sandboxes to which nothing happened at or after a moment: they are as they were."""

    def read_archived(self, sandbox_ids: Collection[str]) -> Mapping[str, SandboxAsOf]:
        """Read what the archived events of these sandboxes add up to; one that has none is left out."""

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives, the oldest first: behind the last one the log in the database begins."""

    def read_streams(self, after: Mapping[str, int], position: int) -> Mapping[str, Sequence[RecordedEvent]]:
        """Read the events of these streams behind a version of each, up to a position, each checked.

        A stream that has none is left out.
        """
