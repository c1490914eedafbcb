"""Archiving for tests, and what a ledger must be like before and after."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from provider.archive import archiving
from provider.archive.archiving import ArchiveReport, Archiving, describe_bundle
from provider.archive.bundle_file import write_bundle
from provider.core import faults
from provider.domain.log import Author
from provider.domain.seals import SealKey
from provider.domain.verification import Scope
from provider.store.archives.archives import SqlArchives
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences
from provider.store.tables import events, generations, ledger_head, sandboxes, streams
from provider.store.verification import Verification
from tests.contract.store_support import opened

_CONTEXT = multiprocessing.get_context("forkserver")
KEY = SealKey.from_text("a key of more than sixteen characters")
OPERATOR = Author("operator:o", "an-archive")


def archive(store: SqlEventStore, through: int, directory: Path, key: SealKey | None = None) -> ArchiveReport:
    ledger = SqlArchives(store.database, page=3)
    return Archiving(store, ledger, key).archive(through, directory, OPERATOR, lambda _: None)


def archive_and_be_killed(store: SqlEventStore, through: int, directory: Path, step: str) -> None:
    """Archive in a process that dies by SIGKILL at a step, the first time it comes to it."""
    process = _CONTEXT.Process(target=_archive_until, args=(store.database.url, through, directory, step))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _archive_until(url: str, through: int, directory: Path, step: str) -> None:
    def kill(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    archiving.PRUNED_AT_ONCE = 2
    faults.install(kill)
    with opened(url) as store:
        archive(store, through, directory)


def write_rest(store: SqlEventStore, path: Path, key: SealKey | None = None) -> Path:
    ledger = SqlArchives(store.database, page=3)
    base = ledger.base()
    write_bundle(path, describe_bundle(ledger.describe_ledger(), base), ledger.read(base, store.head_position()), key)
    return path


def projections(store: SqlEventStore) -> list[list[tuple[Any, ...]]]:
    tables = (streams, sandboxes, generations, ledger_head)
    with store.database.engine.connect() as connection:
        return [
            [tuple(row) for row in connection.execute(select(t).order_by(*t.primary_key.columns))] for t in tables
        ]  # fmt: skip


def positions(store: SqlEventStore) -> list[int]:
    with store.database.engine.connect() as connection:
        return list(connection.execute(select(events.c.position).order_by(events.c.position)).scalars())


def violations(store: SqlEventStore) -> list[Any]:
    with store.database.engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT * FROM v_violations").all())


def assert_healthy(store: SqlEventStore) -> None:
    report = Verification(store.database, KEY, Scope(tables=True)).run()
    assert report.problems == ()
    assert find_differences(store.database) == []
    assert violations(store) == []
