"""The throwaway server keeps its data through a restart and a kill, and leaves nothing when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import PostgresAddress, PostgresServer
from tests.support.postgres_binaries import find_binaries
from tests.support.processes import find_naming


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield connection


def count_rows(url: str) -> int:
    with connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_data_outlives_a_restart_and_a_kill(own_postgres_server: PostgresServer) -> None:
    url = own_postgres_server.create_database()
    with connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    own_postgres_server.restart()
    assert count_rows(url) == 1
    with connect(url) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
        own_postgres_server.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    own_postgres_server.launch()
    assert count_rows(url) == 2


def test_nothing_is_left_when_it_stops(own_postgres_server: PostgresServer) -> None:
    directory = own_postgres_server.directory
    own_postgres_server.stop()
    assert not directory.exists()
    assert find_naming(directory) == []


def test_every_database_is_new(postgres_server: PostgresAddress, bare_postgres_url: str) -> None:
    other = postgres_server.create_database()
    with connect(other) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    with pytest.raises(psycopg.errors.UndefinedTable):
        count_rows(bare_postgres_url)
    postgres_server.drop_database(other)


def test_the_newest_of_the_system_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "15", "16"):
        directory = tmp_path / version / "bin"
        directory.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            (directory / program).touch()
    assert find_binaries(path="/nonexistent", system=tmp_path) == tmp_path / "16" / "bin"


def test_both_databases_are_given(bare_database_url: str) -> None:
    assert bare_database_url.startswith(("sqlite:////", "postgresql+psycopg://"))
