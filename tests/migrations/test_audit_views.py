"""The audit views are the same on both databases, and come and go with their revision."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy
from sqlalchemy import Engine

from provider.store.audit_sql.views import CURRENT, REVISION_0004, REVISION_0005, create_statements
from provider.store.database import open_database
from provider.store.migrate import downgrade, upgrade

REVISIONS = {"0004": REVISION_0004, "0005": REVISION_0005}
MADE = {
    ("0004", "sqlite"): "29e8bae6d4d0ca7f",
    ("0004", "postgresql"): "32fde34f05a9f835",
    ("0005", "sqlite"): "69a12a56e554c275",
    ("0005", "postgresql"): "f8d0858e7e99a1bb",
}


def columns(engine: Engine) -> dict[str, list[str]]:
    """Read the database's views, each with its columns in order."""
    with engine.connect() as connection:
        names = sqlalchemy.inspect(connection).get_view_names()
        return {name: list(connection.exec_driver_sql(f"SELECT * FROM {name}").keys()) for name in names}


def test_both_databases_have_the_same_views_and_columns_in_the_same_order(
    bare_sqlite_url: str, bare_postgres_url: str
) -> None:
    found = []
    for url in (bare_sqlite_url, bare_postgres_url):
        database = open_database(url)
        upgrade(database)
        found.append(columns(database.engine))
        database.close()
    assert found[0] == found[1]
    assert set(found[0]) == set(CURRENT)
    assert all(found[0].values())


def test_views_go_with_their_revision_and_come_again(bare_database_url: str) -> None:
    database = open_database(bare_database_url)
    upgrade(database)
    before = columns(database.engine)
    downgrade(database, "0003")
    assert columns(database.engine) == {}
    upgrade(database)
    assert columns(database.engine) == before
    database.close()


@pytest.mark.parametrize(("revision", "dialect"), sorted(MADE))
def test_what_a_revision_has_made_never_changes(revision: str, dialect: str) -> None:
    """A view that must be another one is a new function, made by a new migration."""
    text = "\n".join(create_statements(dialect, REVISIONS[revision]))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == MADE[revision, dialect]
