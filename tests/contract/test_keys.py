"""The ledger's key for tokens: made once, at the first migration or by the upgrade, and written nowhere else."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import text

from provider.domain.errors import SchemaError
from provider.store.archives.archives import SqlArchives
from provider.store.audit_sql.views import CURRENT
from provider.store.database import open_database
from provider.store.keys import read_token_key
from provider.store.migrate import upgrade
from provider.store.projections.rebuild import rebuild
from tests.contract.store_support import append, born, opened


def test_a_new_ledger_has_one_and_keeps_it(database_url: str) -> None:
    with opened(database_url) as store:
        key = read_token_key(store.database)
        assert len(bytes.fromhex(key.decode())) == 32
        append(store, *born())
        rebuild(store.database)
    with opened(database_url) as again:
        assert read_token_key(again.database) == key


def test_an_older_ledger_gets_one_by_the_upgrade(bare_database_url: str) -> None:
    database = open_database(bare_database_url)
    upgrade(database, "0008")
    upgrade(database)
    key = read_token_key(database)
    assert len(key) == 64
    upgrade(database)
    assert read_token_key(database) == key
    database.close()


def test_no_two_ledgers_share_one(bare_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = f"sqlite:///{tmp_path_factory.mktemp('other')}/ledger.db"
    with opened(bare_database_url) as store, opened(other) as second:
        assert read_token_key(store.database) != read_token_key(second.database)


def test_no_view_and_no_event_holds_it(database_url: str) -> None:
    with opened(database_url) as store:
        append(store, *born())
        key = read_token_key(store.database).decode()
        told = io.StringIO()
        with store.database.reading() as connection:
            for name in (*CURRENT, "events", "sandboxes", "generations", "ledger_head"):
                told.write(str(connection.execute(text(f"SELECT * FROM {name}")).fetchall()))
        told.write(
            str(list(SqlArchives(store.database).read(SqlArchives(store.database).base(), store.head_position())))
        )
        assert key not in told.getvalue()
        assert "ledger_keys" not in told.getvalue()


def test_a_ledger_without_it_says_so(bare_database_url: str) -> None:
    with opened(bare_database_url) as store:
        with store.database.writing() as connection:
            connection.execute(text("DELETE FROM ledger_keys"))
        with pytest.raises(SchemaError, match="no key for tokens"):
            read_token_key(store.database)
