"""What an operator does to a ledger as a whole: its schema, its seals, its bundles, and how its jobs are doing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from provider.bootstrap.stores import find_seal_key, open_store
from provider.core.commit import new_author

if TYPE_CHECKING:
    from provider.archive.archiving import ArchiveReport, Archiving
    from provider.archive.importing import ImportReport
    from provider.archive.incident import IncidentRequest
    from provider.config.settings import Settings
    from provider.domain.bundles import BundleManifest
    from provider.domain.times import AsOf
    from provider.domain.verification import Progress, RecordedSeal, Scope, VerificationReport
    from provider.domain.workers import WorkerJobs
    from provider.runtime.sweep.sweeper import SweeperStatus
    from provider.store.archives.restore import SqlRestore
    from provider.store.log.event_store import SqlEventStore
    from provider.store.maintenance import Maintenance


def open_administration(settings: Settings, *, migrate: bool = False) -> Administration:
    """Open a ledger for its operator; close it with `close()`.

    With `migrate`, an empty database gets its schema and a foreign one is refused; else it is opened whatever its
    schema.
    """
    return Administration(settings, open_store(settings, migrate=migrate))


class Administration:
    """One open ledger and the use cases of its operator. Each imports only what it needs."""

    def __init__(self, settings: Settings, store: SqlEventStore) -> None:
        self._settings = settings
        self._store = store

    @cached_property
    def maintenance(self) -> Maintenance:
        """The database: its schema, its description, a check of it, and fresh projections."""
        from provider.store.maintenance import Maintenance

        return Maintenance(self._store.database)

    def verify(self, scope: Scope, progress: Progress | None = None) -> VerificationReport:
        """Find everything in the ledger that is not as it was recorded; change nothing."""
        from provider.bootstrap.sealing import find_seal_file

        interval = self._settings.audit.seal_interval
        if interval:  # a ledger that nobody seals may be a copy, which ends before the log that was sealed here
            scope = dataclasses.replace(
                scope, list_own_seals=lambda ledger_id: find_seal_file(ledger_id).list(), seal_interval=interval
            )
        return self.maintenance.verify(find_seal_key(self._settings), scope, progress)

    def seal(self, actor: str, *, accept: bool = False) -> RecordedSeal | None:
        """Seal the log now and return its newest seal; None for an empty log.

        With `accept`, also one that does not go on from the last seal made on this host.
        """
        from provider.bootstrap.sealing import make_sealing

        return make_sealing(self._settings, self._store).seal(new_author(actor), accept=accept)

    def archive(self, before: AsOf, directory: Path, actor: str, progress: Callable[[str], None]) -> ArchiveReport:
        """Archive what was recorded before a position, a moment or an age."""
        archiving = self._archiving()
        return archiving.archive(archiving.find_end(before), directory, new_author(actor), progress)

    def write_bundle(self, path: Path, *, replace: bool) -> BundleManifest:
        """Write everything that the database has of the log into a bundle, for a backup."""
        return self._archiving().write_rest(path, replace=replace)

    def write_incident(
        self, path: Path, wanted: IncidentRequest, *, replace: bool, progress: Callable[[int], None]
    ) -> BundleManifest:
        """Write one sandbox or a span of time into a bundle that can be opened by itself."""
        from provider.archive.incident import choose, write_extract
        from provider.bootstrap.insights import make_insights
        from provider.store.archives.archives import SqlArchives

        ledger = SqlArchives(self._store.database)
        selection = choose(make_insights(self._store), ledger.base(), wanted)
        return write_extract(ledger, selection, path, find_seal_key(self._settings), replace=replace, progress=progress)

    def import_bundles(
        self, paths: Sequence[Path], *, accept_unsigned: bool, progress: Callable[[int], None]
    ) -> ImportReport:
        """Import bundles into this ledger, which must be empty."""
        from provider.archive.importing import import_log
        from provider.store.archives.restore import SqlRestore

        key = find_seal_key(self._settings)
        return import_log(
            SqlRestore(self._store.database), paths, key, accept_unsigned=accept_unsigned, progress=progress
        )

    def sweeper_status(self, limit: int = 20) -> SweeperStatus:
        """Read who leads the sweep and how the last runs went."""
        from provider.runtime.sweep.sweeper import read_status
        from provider.store.coordination.leases import SqlLeases
        from provider.store.coordination.sweeps import SqlSweeps

        return read_status(SqlSweeps(self._store.database), SqlLeases(self._store.database), limit)

    def worker_jobs(self) -> Sequence[WorkerJobs]:
        """Read how the recurring jobs of all workers are doing."""
        from provider.store.coordination.workers import SqlWorkerRegistry

        return SqlWorkerRegistry(self._store.database).list_jobs()

    def close(self) -> None:
        """Close all connections. Idempotent."""
        self._store.close()

    def _archiving(self) -> Archiving:
        from provider.archive.archiving import Archiving
        from provider.store.archives.archives import SqlArchives

        return Archiving(self._store, SqlArchives(self._store.database), find_seal_key(self._settings))


def open_bundle_ledger(settings: Settings, paths: Sequence[Path], directory: Path) -> ImportReport:
    """Make a ledger for reading of these bundles in a new directory; the configured key checks their HMAC."""
    from provider.archive.opening import open_bundles
    from provider.config.settings import DatabaseSettings
    from provider.store.archives.restore import SqlRestore

    @contextmanager
    def make_target(database: Path) -> Iterator[SqlRestore]:
        local = dataclasses.replace(settings, database=DatabaseSettings(url=f"sqlite:///{database}"))
        with closing(open_store(local)) as store:
            yield SqlRestore(store.database, for_reading=True)

    return open_bundles(make_target, paths, directory, find_seal_key(settings))
