"""The copies that tests get instead of a migrated database."""

from __future__ import annotations

from pathlib import Path

from tests.contract.store_support import opened
from tests.support.ledgers import copy_postgres, copy_sqlite
from tests.support.postgres import PostgresAddress


def assert_different(*urls: str) -> None:
    with opened(urls[0]) as one, opened(urls[1]) as other:
        assert one.ledger_id != other.ledger_id
        assert one.head_position() == other.head_position() == 0


def test_each_copy_on_sqlite_is_a_ledger_of_its_own(sqlite_template: Path, tmp_path: Path) -> None:
    assert_different(*(copy_sqlite(sqlite_template, tmp_path / f"{number}.db") for number in range(2)))


def test_each_copy_on_postgresql_is_a_ledger_of_its_own(
    postgres_server: PostgresAddress, postgres_template: str
) -> None:
    urls = [copy_postgres(postgres_server, postgres_template) for _ in range(2)]
    assert_different(*urls)
    for url in urls:
        postgres_server.drop_database(url)
