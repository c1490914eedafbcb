"""The table `archives`, and the only code that deletes events: those that an archive has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select

from provider.domain.archives import ArchiveRow, Baseline, LedgerOrigin
from provider.domain.bundles import LinkedEvent
from provider.domain.errors import CorruptLogError
from provider.domain.events import LogArchived
from provider.domain.extracts import Selection
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import ChainPoint, RecordedEvent
from provider.store.database import Database, database_now
from provider.store.log.chain_base import chain_base, read_archives
from provider.store.log.linked_log import read_chosen, read_linked
from provider.store.log.reader import PAGE, find_position_before, find_time_of, stream_page
from provider.store.log.walk import hashes_at
from provider.store.projections.fold import Fold, Progress
from provider.store.tables import archives, events, ledger_head

_OLDEST = select(func.min(events.c.position))
_ARCHIVING = (
    select(events.c.version)
    .where(
        events.c.stream == LEDGER_STREAM, events.c.type == LogArchived.__name__, events.c.position > bindparam("base")
    )
    .order_by(events.c.version.desc())
    .limit(bindparam("limit"))
)
TRIED = 100


class SqlArchives:
    """Archives of one ledger. Safe from any thread; raises `StoreUnavailable`. `page` events are read at once."""

    def __init__(self, database: Database, *, page: int = PAGE) -> None:
        self._database = database
        self._page = page

    def describe_ledger(self) -> LedgerOrigin:
        """Describe the ledger: its id and age."""
        with self._database.reading() as connection:
            head = connection.execute(select(ledger_head)).one()
            return LedgerOrigin(ledger_id=head.ledger_id, created_at=head.created_at, now=database_now(connection))

    def base(self) -> ChainPoint:
        """Return the event behind which the log in the database goes on."""
        with self._database.reading() as connection:
            return chain_base(connection)

    def position_before(self, moment: datetime) -> int:
        """Return the position of the last event recorded before a moment."""
        with self._database.reading() as connection:
            return find_position_before(connection, moment)

    def list_rows(self) -> Sequence[ArchiveRow]:
        """List the archives, the oldest first."""
        with self._database.reading() as connection:
            return read_archives(connection)

    def read(self, after: ChainPoint, through: int) -> Iterator[LinkedEvent]:
        """Read raw events behind `after` up to a position, each one checked."""
        return read_linked(self._database, after, through, page=self._page)

    def read_selection(self, selection: Selection) -> Iterator[LinkedEvent]:
        """Read the raw events that are chosen, each one checked."""
        if selection.streams is None:
            yield from self.read(self.point_at(selection.after), selection.through)
        else:
            streams, after, through = selection.streams, selection.after, selection.through
            yield from read_chosen(self._database, streams, after, through, page=self._page)

    def point_at(self, position: int) -> ChainPoint:
        """Return the hash of an event, or of the base; raise `CorruptLogError` for one that is missing."""
        with self._database.reading() as connection:
            base = chain_base(connection)
            found = base.hash if position == base.position else hashes_at(connection, [position]).get(position)
        if found is None:
            raise CorruptLogError(position, "it is missing")
        return ChainPoint(position, found)

    def time_at(self, position: int) -> datetime:
        """Return when an event was recorded; for position 0, when the ledger was made."""
        if position == 0:
            return self.describe_ledger().created_at
        with self._database.reading() as connection:
            for row in read_archives(connection):
                if row.through.position == position:
                    return row.through_recorded_at
            found = find_time_of(connection, position)
        if found is None:
            raise CorruptLogError(position, "it is missing")
        return found

    def make_baseline(
        self, through: int, progress: Progress | None = None, *, only: Collection[str] | None = None
    ) -> Baseline:
        """Fold the log up to a position, of all streams or only of these: what remains of the events that leave."""
        with self._database.reading() as connection:
            fold = Fold.from_base(connection)
            if fold.read(connection, progress, through=through) != through:
                raise CorruptLogError(through, "it is missing")
            return fold.pack(only)

    def list_unfinished(self) -> Sequence[RecordedEvent]:
        """List the recorded archives that reach beyond the last row of `archives`, the newest first."""
        with self._database.reading() as connection:
            base = chain_base(connection).position
            versions = connection.execute(_ARCHIVING, {"base": base, "limit": TRIED}).scalars().all()
            found = [stream_page(connection, LEDGER_STREAM, version - 1, 1)[0] for version in versions]
        return [one for one in found if _archived(one).through_position > base]

    def record(self, recorded: RecordedEvent, baseline: Baseline) -> None:
        """Make an archive the base of the chain. From here on its events may go; they are read by nobody any more."""
        event = _archived(recorded)
        with self._database.writing() as connection:
            through_at = find_time_of(connection, event.through_position)
            connection.execute(
                insert(archives).values(
                    through_position=event.through_position, through_hash=event.through_hash,
                    through_recorded_at=through_at, events=event.events,
                    bundle=event.bundle, sha256=event.sha256, archived_at=recorded.recorded_at,
                    event_position=recorded.position, baseline=baseline.packed,
                )
            )  # fmt: skip

    def prune(self, limit: int) -> int:
        """Delete up to `limit` archived events, the oldest first, in a transaction of its own; 0 when none is left."""
        with self._database.writing() as connection:
            oldest, base = connection.execute(_OLDEST).scalar_one_or_none(), chain_base(connection).position
            if oldest is None or oldest > base:
                return 0
            last = min(base, oldest + limit - 1)
            return connection.execute(delete(events).where(events.c.position <= last)).rowcount


def _archived(recorded: RecordedEvent) -> LogArchived:
    if not isinstance(recorded.event, LogArchived):
        raise CorruptLogError(recorded.position, f"it is a {recorded.event.type}, no LogArchived")
    return recorded.event
