"""Sealing the log, by a leader or by an operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provider.archive.seal_file import SealFile
from provider.archive.sealing import Sealing
from provider.bootstrap.stores import find_seal_key
from provider.config.state import state_root
from provider.store.log.seals import SqlSeals

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.store.log.event_store import SqlEventStore


def make_sealing(settings: Settings, store: SqlEventStore) -> Sealing:
    """Wire what seals the log."""
    kept = find_seal_file(store.ledger_id, settings.audit.seal_sinks)
    return Sealing(store, SqlSeals(store.database), find_seal_key(settings), kept)


def find_seal_file(ledger_id: str, sinks: Sequence[str] = ()) -> SealFile:
    """Return the file in which this user's processes on this host keep the seals that they made of a ledger."""
    return SealFile(state_root() / "seals" / f"{ledger_id}.txt", sinks)
