"""Archives: what is on record about the oldest part of a log when it has left the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provider.domain.log import ChainPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """One row of `archives`: the bundle `bundle` ends with the event at `through`.

    `sha256` is that of the file; `event_position` that of the event that recorded it.
    """

    through: ChainPoint
    through_recorded_at: datetime
    events: int
    bundle: str
    sha256: str
    archived_at: datetime
    event_position: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the log up to a position adds up to, packed: the fold goes on from it. `sha256` is of what is packed."""

    packed: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOrigin:
    """Which ledger it is, when it was made, and what the database's clock says."""

    ledger_id: str
    created_at: datetime
    now: datetime
