"""Threads of one process may open new ledgers at the same moment. Found by the fault walk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provider.store.database import open_database
from provider.store.migrate import current_revision, ensure_schema, head_revision


def test_threads_migrate_databases_of_their_own_side_by_side(tmp_path: Path) -> None:
    def migrate(number: int) -> str | None:
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        database = open_database(url)
        try:
            ensure_schema(database)
            return current_revision(database)
        finally:
            database.close()

    with ThreadPoolExecutor(4) as executor:
        assert set(executor.map(migrate, range(8))) == {head_revision()}
