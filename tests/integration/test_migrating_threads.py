"""Threads of one process may open new ledgers at the same moment. Found by the fault walk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provider.store.engine import create_engine
from provider.store.migrate import current_revision, ensure_schema, head_revision


def test_threads_migrate_databases_of_their_own_side_by_side(tmp_path: Path) -> None:
    def migrate(number: int) -> str | None:
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        engine = create_engine(url)
        try:
            ensure_schema(engine, url)
            return current_revision(engine, url)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as executor:
        assert set(executor.map(migrate, range(8))) == {head_revision()}
