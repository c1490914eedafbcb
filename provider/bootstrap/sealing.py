"""Sealing the log, by a leader or by an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.archive.sealing import Sealing
from provider.bootstrap.stores import find_seal_key
from provider.store.log.seals import SqlSeals

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.store.log.event_store import SqlEventStore


def make_sealing(settings: Settings, store: SqlEventStore) -> Sealing:
    """Wire what seals the log."""
    return Sealing(store, SqlSeals(store.database), find_seal_key(settings))
