"""A log from bundles into an empty ledger, in one transaction: all of it with its projections, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select

from provider.domain.bundles import BundleHeader
from provider.domain.chain import StoredEvent
from provider.domain.errors import LedgerNotEmpty
from provider.store.archives.extract import fill_from_extract
from provider.store.archives.restoration import Restoration
from provider.store.database import Database
from provider.store.projections.fold import Fold, Progress
from provider.store.schema import READ_ONLY
from provider.store.tables import archives, events, ledger_head, streams

_LOCKED = ("ledger_head", "archives", "streams", "events", "sandboxes", "generations", "workers")


class SqlRestore:
    """Fills one empty ledger; with `for_reading`, nothing can be recorded in it afterwards (SQLite only)."""

    def __init__(self, database: Database, *, for_reading: bool = False) -> None:
        self._database = database
        self._for_reading = for_reading

    def run(self, header: BundleHeader, sources: Iterable[Iterable[StoredEvent]], progress: Progress | None) -> int:
        """Import events into an empty ledger in one transaction; return the last position.

        The ledger takes over id and age. Raise `LedgerNotEmpty`, or what the sources raise, with nothing written.
        """
        with self._filling() as connection:
            restoration = Restoration(connection, Fold())
            for source in sources:
                restoration.take(source, progress)
            return restoration.finish(header)

    def open_extract(self, header: BundleHeader, events: Iterable[StoredEvent], bundle: str, sha256: str) -> int:
        """Take an extract in one transaction; return how many events of it there are."""
        with self._filling() as connection:
            return fill_from_extract(connection, header, events, bundle, sha256)

    @contextmanager
    def _filling(self) -> Iterator[Connection]:
        with self._database.writing() as connection:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(_LOCKED)} IN EXCLUSIVE MODE")
            _require_empty(connection)
            yield connection
            if self._for_reading:
                connection.exec_driver_sql(READ_ONLY)


def _require_empty(connection: Connection) -> None:
    used = [
        name
        for name, table in (("events", events), ("streams", streams), ("archives", archives))
        if connection.execute(select(func.count()).select_from(table)).scalar_one()
    ]
    position = connection.execute(select(ledger_head.c.position)).scalar_one()
    if used or position:
        raise LedgerNotEmpty(
            f"the ledger has {position} events already: a log is imported into an empty ledger only; "
            "make a new database, set database.url to it, and run this again"
        )
