"""A SQLite file that cannot be used is a clear error, and what was committed stays committed."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event

from provider.domain import events as ev
from provider.domain.errors import StoreUnavailable
from provider.store import engine as engines
from provider.store.database import open_database
from provider.store.engine import sqlite_module
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import ensure_schema
from provider.store.projections.rebuild import find_differences
from tests.contract.store_support import SANDBOX, append, assert_chained, born, opened
from tests.support.waiting import wait_until

NOTE = ev.CrashLoopCleared(generation=1, cleared_by="x" * 4000)


def every_call(store: SqlEventStore) -> list[Callable[[], object]]:
    return [
        lambda: store.load(SANDBOX), lambda: append(store, *born()), lambda: list(store.read_all()),
        lambda: list(store.read_stream("ledger")), lambda: store.touch({SANDBOX: 1.5}), store.head_position,
        lambda: store.ledger_id, lambda: store.list_held("w1"), lambda: store.find_previous(SANDBOX, 2),
        lambda: find_differences(store.database),
    ]  # fmt: skip


def append_for_ever(store: SqlEventStore) -> None:
    while True:
        append(store, NOTE)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'not' / 'there' / 'ledger.db'}"
    database = open_database(url)
    with pytest.raises(StoreUnavailable, match=f"there is no directory {tmp_path / 'not' / 'there'}"):
        ensure_schema(database)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"this is no database, but a letter to somebody else " * 100, b"SQLite format 3\0" * 9]
)
def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.db").write_bytes(content)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    store = SqlEventStore(open_database(url))
    for call in [lambda: ensure_schema(store.database), *every_call(store)]:
        with pytest.raises(StoreUnavailable, match="not a database"):
            call()
    store.close()
    assert (tmp_path / "ledger.db").read_bytes() == content


def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with pytest.raises(StoreUnavailable, match="unable to open"):
        ensure_schema(open_database(url))


def test_a_database_without_the_schema_is_an_error_of_every_call(bare_sqlite_url: str) -> None:
    store = SqlEventStore(open_database(bare_sqlite_url))
    for call in every_call(store):
        with pytest.raises(StoreUnavailable, match="no such table"):
            call()
    store.close()


def test_a_database_that_is_full_says_so_and_loses_nothing(sqlite_url: str) -> None:
    with opened(sqlite_url) as store:
        append(store, *born())
    database = open_database(sqlite_url)

    @event.listens_for(database.engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    full = SqlEventStore(database)
    with pytest.raises(StoreUnavailable, match="full"):
        append_for_ever(full)
    held = full.load(SANDBOX)
    assert held.version == full.head_position()
    assert_chained(list(full.read_all()))
    full.close()
    with opened(sqlite_url) as store:
        append(store, NOTE)
        assert_chained(list(store.read_all()))
        assert find_differences(store.database) == []


CHILD = """
import resource, sys
from provider.domain.errors import StoreUnavailable
from tests.contract.store_support import append, born, opened
from tests.integration.store.test_sqlite_failures import NOTE, append_for_ever

with opened(sys.argv[1]) as store:
    append(store, *born())
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    try:
        append_for_ever(store)
    except StoreUnavailable as error:
        print(store.head_position(), error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    append(store, NOTE)
"""


def test_s83_a_full_disk_says_so_and_loses_nothing(sqlite_url: str) -> None:
    """The kernel refuses to let the files grow, as a full disk does; afterwards the same store works again."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", CHILD, sqlite_url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    position, said = done.stdout.split(maxsplit=1)
    assert "full" in said or "I/O" in said
    with opened(sqlite_url) as store:
        events = list(store.read_all())
        assert len(events) == int(position) + 1
        assert_chained(events)
        assert find_differences(store.database) == []


def test_a_writer_that_waits_too_long_gives_up(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    with opened(sqlite_url) as store, opened(sqlite_url) as other:
        append(store, *born())
        with other.database.writing():
            with pytest.raises(StoreUnavailable, match="database is locked"):
                append(store, NOTE)
            assert store.load(SANDBOX).version == 4, "readers do not wait for a writer"
        append(store, NOTE)
        assert_chained(list(store.read_all()))


def test_a_reader_waits_while_it_is_shut_out(sqlite_url: str) -> None:
    with opened(sqlite_url) as store:
        append(store, *born())
    module = sqlite_module()
    owner = module.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    owner.execute("PRAGMA locking_mode = EXCLUSIVE")
    owner.execute("BEGIN EXCLUSIVE")
    owner.execute("COMMIT")
    url = sqlite_url
    waiting = SqlEventStore(open_database(url))
    answers: list[int] = []
    reader = threading.Thread(target=lambda: answers.append(waiting.load(SANDBOX).version))
    reader.start()
    reader.join(0.2)
    assert reader.is_alive(), "nobody can read while the file is locked for one"
    owner.close()
    wait_until(lambda: answers == [4], what="the reader's answer")
    reader.join()
    waiting.close()
