"""Reading the seals that the log itself has, and the head that a seal is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from provider.domain.chain import AlienContentError, StoredEvent, moment_of, read_event
from provider.domain.errors import CorruptLogError
from provider.domain.events import LedgerSealed
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import ChainPoint
from provider.domain.seals import Seal, find_breach, from_event
from provider.domain.verification import RecordedSeal
from provider.store.database import Database
from provider.store.log.chain_base import chain_base
from provider.store.log.raw_rows import RAW_COLUMNS, stored_event
from provider.store.log.walk import hashes_at
from provider.store.tables import events, ledger_head

_LAST = (
    select(*RAW_COLUMNS)
    .where(events.c.stream == LEDGER_STREAM, events.c.type == LedgerSealed.__name__)
    .order_by(events.c.version.desc())
    .limit(bindparam("limit"))
)


class Head(NamedTuple):
    """The head row; both are None where it is not one row."""

    ledger_id: str | None
    point: ChainPoint | None


class SqlSeals:
    """The seals of one ledger. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_last(self) -> RecordedSeal | None:
        """Read the newest seal; None when the log was never sealed. Raise `CorruptLogError` for one that is none."""
        with self._database.reading() as connection:
            return next((read_seal(stored) for stored in last_seals(connection, 1)), None)

    def sealable_head(self) -> ChainPoint:
        """Return where the log ends; raise `CorruptLogError` when the head row and the last event do not agree.

        A log whose end was cut off or rewritten is not sealed as it is.
        """
        with self._database.snapshot() as connection:
            head = read_head(connection).point
            stored = hashes_at(connection, [head.position]) if head is not None else {}
        if head is None or stored.get(head.position) != head.hash:
            at = head.position if head is not None else 0
            raise CorruptLogError(at, "it is not the last event that the head row knows", "run `sandbox-ledger verify`")
        return head

    def find_breach(self, seal: Seal) -> str | None:
        """Return why this log is not the one that was sealed; None when it goes on from the seal."""
        with self._database.snapshot() as connection:
            found = hashes_at(connection, [seal.position]).get(seal.position)
            return find_breach(seal, read_head(connection).ledger_id, chain_base(connection).position, found)


def last_seals(connection: Connection, limit: int) -> Sequence[StoredEvent]:
    """Read the last recorded seals, the newest first, as they are stored."""
    return [stored_event(row) for row in connection.execute(_LAST, {"limit": limit})]


def read_seal(stored: StoredEvent) -> RecordedSeal:
    """Read a recorded seal from its row; raise `CorruptLogError` for one that is none."""
    try:
        event = read_event(stored)
        moment = moment_of(stored)
    except (AlienContentError, ValueError) as error:
        raise CorruptLogError(stored.position, str(error)) from error
    if not isinstance(event, LedgerSealed):
        raise CorruptLogError(stored.position, f"it is a {event.type}, not a seal")
    return RecordedSeal(from_event(event), stored.position, moment, stored.actor)


def read_head(connection: Connection) -> Head:
    """Read the head row."""
    rows = connection.execute(select(ledger_head)).all()
    if len(rows) != 1:
        return Head(None, None)
    return Head(rows[0].ledger_id, ChainPoint(rows[0].position, rows[0].hash))
