"""The rows of `archives`, without their baselines."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from provider.domain.archives import ArchiveRow
from provider.domain.log import ChainPoint
from provider.store.tables import archives

_ROWS = select(*(column for column in archives.columns if column.name != "baseline")).order_by(
    archives.c.through_position
)


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
