"""Where the log that is in the table begins, and what was archived before."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from provider.domain.archives import ArchiveRow
from provider.domain.log import GENESIS, ChainPoint
from provider.store.tables import archives

_LAST = (
    select(archives.c.through_position, archives.c.through_hash).order_by(archives.c.through_position.desc()).limit(1)
)
_ROWS = select(*(column for column in archives.columns if column.name != "baseline")).order_by(
    archives.c.through_position
)


def chain_base(connection: Connection) -> ChainPoint:
    """Return the event behind which the log in the table goes on, with that event's hash: the end of the last archive.

    What still stands in the table up to there is on its way out and read by nobody. Every reader that follows the chain
    starts here, and in the same snapshot as its first events, or looks again when they do not fit: others may archive
    meanwhile.
    """
    row = connection.execute(_LAST).one_or_none()
    return GENESIS if row is None else ChainPoint(row.through_position, row.through_hash)


def read_archives(connection: Connection) -> Sequence[ArchiveRow]:
    """List the archives, the oldest first."""
    return [
        ArchiveRow(
            through=ChainPoint(row.through_position, row.through_hash), through_recorded_at=row.through_recorded_at,
            events=row.events, bundle=row.bundle, sha256=row.sha256, archived_at=row.archived_at,
            event_position=row.event_position,
        )
        for row in connection.execute(_ROWS)
    ]  # fmt: skip
