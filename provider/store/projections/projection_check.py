"""The sandboxes that changed last, folded from the log and compared with their rows: a sample that costs little."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from provider.domain.ids import sandbox_stream
from provider.ports.reading.system import ProjectionCheck
from provider.store.log import reader as log_reader
from provider.store.projections.fold import Fold
from provider.store.projections.rebuild import compare_rows
from provider.store.tables import events, generations, ledger_head, sandboxes, streams

LOOKED_THROUGH = 2_000
"""Events at the end of the log among which the newest changes are found."""
LONGEST = 500
"""Sandboxes with more events are passed over, and so are those of which an archive has the first ones."""

_SANDBOX = sandbox_stream("")
_FIRST = events.alias("first")
_NEWEST = (
    select(events.c.stream)
    .join(streams, (streams.c.stream == events.c.stream) & (streams.c.version <= LONGEST))
    .join(_FIRST, (_FIRST.c.stream == events.c.stream) & (_FIRST.c.version == 1))
    .where(events.c.position > bindparam("after"), events.c.stream.startswith(_SANDBOX, autoescape=True))
    .group_by(events.c.stream)
    .order_by(func.max(events.c.position).desc())
    .limit(bindparam("limit"))
)


def check_newest(connection: Connection, limit: int) -> ProjectionCheck:
    """Fold the streams of up to `limit` sandboxes and compare; the connection must see one moment throughout.

    Raise `CorruptLogError` for an event that is not what its hash says.
    """
    head = connection.execute(select(ledger_head.c.position)).scalar_one()
    chosen = connection.execute(_NEWEST, {"after": head - LOOKED_THROUGH, "limit": limit}).scalars().all()
    fold, folded = Fold(), 0
    if chosen:
        for recorded in log_reader.streams_until(connection, dict.fromkeys(chosen, 0), head):
            fold.take(recorded)
            folded += 1
    ids = [stream.removeprefix(_SANDBOX) for stream in chosen]
    differences: list[str] = []
    for table in (sandboxes, generations):
        stored = connection.execute(select(table).where(table.c.sandbox_id.in_(ids))).mappings().all()
        differences += compare_rows(table, fold.rows(table), stored)
    return ProjectionCheck(sandboxes=len(ids), events=folded, differences=tuple(differences))
