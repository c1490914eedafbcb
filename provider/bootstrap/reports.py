"""Everything the dashboard reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.bootstrap.insights import make_insights
from provider.bootstrap.sealing import find_seal_file
from provider.bootstrap.stores import open_store
from provider.reading.fleet import Fleet
from provider.reading.integrity import Integrity
from provider.reading.reports import Reports
from provider.reading.timeline import Timeline
from provider.store.log.seals import SqlSeals
from provider.store.reports.endings import SqlEndingQueries
from provider.store.reports.fleet import SqlFleetQueries
from provider.store.reports.log import SqlLogQueries
from provider.store.reports.operations import SqlOperationQueries
from provider.store.reports.past import SqlPast
from provider.store.reports.queries import SqlLedgerQueries
from provider.store.reports.sandboxes import SqlSandboxQueries
from provider.store.reports.system import SqlSystemQueries
from provider.store.reports.timeline import SqlTimelineQueries

if TYPE_CHECKING:
    from provider.config.settings import Settings


def open_reports(settings: Settings, *, migrate: bool = True) -> Reports:
    """Open everything the dashboard reads; no engine is contacted. Close it with `close()`."""
    store = open_store(settings, migrate=migrate)
    database = store.database
    integrity = Integrity(SqlSeals(database), SqlLedgerQueries(database), lambda: find_seal_file(store.ledger_id))
    return Reports(
        insights=make_insights(store),
        fleet=Fleet(SqlFleetQueries(database), integrity.find_breach, settings),
        sandboxes=SqlSandboxQueries(database),
        log=SqlLogQueries(database),
        timeline=Timeline(SqlTimelineQueries(database)),
        endings=SqlEndingQueries(database),
        operations=SqlOperationQueries(database),
        system=SqlSystemQueries(database),
        past=SqlPast(database),
        integrity=integrity,
    )
