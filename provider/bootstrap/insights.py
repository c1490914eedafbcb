"""The read side of single sandboxes and events, as it is and as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.bootstrap.stores import open_store, undone_on_error
from provider.reading.insights import Insights
from provider.store.log.feed import SqlFeed
from provider.store.migrate import current_revision, require_current
from provider.store.reports.queries import SqlLedgerQueries

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.domain.times import AsOf
    from provider.reading.past import Past
    from provider.store.log.event_store import SqlEventStore


def open_insights(settings: Settings, *, migrate: bool = True) -> Insights:
    """Open the read side of the ledger; no engine is contacted. Close it with `close()`.

    With `migrate`, an empty database gets its schema; without, it is refused.
    """
    return make_insights(open_store(settings) if migrate else _open_existing(settings))


def make_insights(store: SqlEventStore) -> Insights:
    """Wire the read side of an open ledger, which it closes."""
    database = store.database
    return Insights(store, SqlLedgerQueries(database), lambda: SqlFeed(database))


def _open_existing(settings: Settings) -> SqlEventStore:
    store = open_store(settings, migrate=False)
    with undone_on_error(store.close):
        require_current(store.database, current_revision(store.database))
    return store


def open_past(settings: Settings, as_of: AsOf) -> Past:
    """Open the read side as of a moment, an age, or a position; close it with `close()`.

    Raise `InvalidPositionError` for a position that the log does not have, `SchemaError` where there is no ledger yet.
    """
    from provider.reading.past import look_back
    from provider.store.reports.past import SqlPast

    store = _open_existing(settings)
    with undone_on_error(store.close):
        return look_back(make_insights(store), SqlPast(store.database), as_of)
