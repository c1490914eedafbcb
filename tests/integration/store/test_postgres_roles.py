"""The roles of docs/operations.md on PostgreSQL, made with the very SQL there: one may only append, one only read."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from provider import open_provider
from provider.store.audit_sql.views import CURRENT
from provider.store.database import open_database
from provider.store.schema import compare_schema
from tests.contract.store_support import opened
from tests.support.file_engine import FileBackend

DOCUMENT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
ROLES_SQL = re.search(r"## Roles\n.*?```sql\n(.*?)```", DOCUMENT, flags=re.DOTALL)
FORBIDDEN = [
    "UPDATE events SET actor = 'operator:eve'",
    "DELETE FROM events",
    "TRUNCATE events",
    "TRUNCATE events CASCADE",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "ALTER TABLE events DISABLE TRIGGER events_no_truncate",
    "DROP TRIGGER events_no_truncate ON events",
    "DROP TABLE events CASCADE",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE OR REPLACE VIEW v_violations AS SELECT 1 AS rule",
    "DELETE FROM generations",
    "DELETE FROM sandboxes",
    "DELETE FROM ledger_head",
    (
        "INSERT INTO ledger_head (ledger_id, position, hash, previous_hash, recorded_at, created_at) "
        "VALUES ('x', 0, '', '', now(), now())"
    ),
]
WRITES = [
    "INSERT INTO streams (stream, version) VALUES ('x', 1)",
    "UPDATE sandboxes SET status = 'gone'",
    "DELETE FROM sweeps",
    "CREATE TEMPORARY TABLE mine (n integer)",
    "CREATE TABLE public.mine (n integer)",
    *FORBIDDEN,
]


@dataclass(frozen=True, slots=True)
class Roles:
    """Who may log in to a ledger's database, as URLs: its owner, who appends, who reads."""

    owner: str
    append: str
    read: str


@pytest.fixture
def roles(postgres_url: str) -> Iterator[Roles]:
    """Make a ledger and both roles with the SQL of the document, under names of their own."""
    assert ROLES_SQL is not None
    with opened(postgres_url):
        pass
    url, mark = make_url(postgres_url), secrets.token_hex(6)
    names = [f"ledger_append_{mark}", f"ledger_read_{mark}"]
    sql = ROLES_SQL[1].replace("DATABASE sandbox_ledger", f"DATABASE {url.database}").replace("'...'", f"'{mark}'")
    for name in names:
        sql = re.sub(rf"\b{name.rpartition('_')[0]}\b", name, sql)
    with psycopg.connect(_dsn(postgres_url), autocommit=True) as owner:
        owner.execute(sql.encode())
        urls = [url.set(username=name, password=mark).render_as_string(hide_password=False) for name in names]
        yield Roles(postgres_url, *urls)
        for name in names:
            owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def _dsn(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def _refusals(url: str, statements: list[str], setting: str = "") -> dict[str, str]:
    """Try each statement and tell what PostgreSQL said to it."""
    said = {}
    with psycopg.connect(_dsn(url), autocommit=True) as connection:
        connection.execute(setting.encode())
        for statement in statements:
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                said[statement] = error.sqlstate or ""
            else:
                said[statement] = "done"
    return said


def test_who_may_only_append_runs_everything_and_changes_nothing_of_the_log(roles: Roles, tmp_path: Path) -> None:
    settings = {"database": {"url": roles.append}, "sandbox": {"replicas": 2, "overflow": "reject"}}
    with open_provider(settings, backend=FileBackend(tmp_path)) as provider:
        first, second = (provider.acquire(thread, user_id="alice") for thread in ("first", "second"))
        assert provider.get(first) is not None
        provider.release(first)
        third = provider.acquire("third", user_id="bob")
        assert provider.get(first) is None, "evicted: room for two"
        provider.release(second)
        assert provider.restart(first).generation == 2
        provider.destroy(third)
        assert provider.sweep().counts.failures == 0
    assert set(_refusals(roles.append, FORBIDDEN).values()) == {"42501"}, "insufficient privilege, each of them"
    with psycopg.connect(_dsn(roles.owner)) as owner:
        assert owner.execute("SELECT count(*) > 12 FROM events").fetchone() == (True,)
        assert owner.execute("SELECT * FROM v_violations").fetchall() == []


def test_s101_who_may_only_read_cannot_make_the_tokens_of_sandboxes(roles: Roles) -> None:
    statement = "SELECT secret FROM ledger_keys"
    assert _refusals(roles.read, [statement]) == {statement: "42501"}
    assert _refusals(roles.append, [statement]) == {statement: "done"}, "every worker makes them"


def test_who_may_only_read_reads_every_view_and_writes_nothing(roles: Roles) -> None:
    with psycopg.connect(_dsn(roles.read), autocommit=True) as reader:
        for view in CURRENT:
            reader.execute(f"SELECT * FROM {view}".encode()).fetchall()
        reader.execute(b"SELECT * FROM events").fetchall()
    said = _refusals(roles.read, WRITES)
    assert set(said.values()) <= {"42501", "25006"}, f"no privilege, or a read-only transaction: {said}"
    by_itself = _refusals(roles.read, FORBIDDEN, "SET default_transaction_read_only = off")
    assert set(by_itself.values()) == {"42501"}, "it is no matter of a setting that anybody may change"


def test_a_role_that_may_make_no_schema_says_that_the_schema_was_not_compared(roles: Roles) -> None:
    for url, is_compared in ((roles.owner, True), (roles.append, False), (roles.read, False)):
        database = open_database(url)
        try:
            compared = compare_schema(database)
        finally:
            database.close()
        assert compared.differences == ()
        assert (compared.unchecked is None) == is_compared, compared
