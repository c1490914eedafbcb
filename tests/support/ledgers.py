"""Empty ledgers: copies of one that has its schema, which cost a fifth of migrating an empty database."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import psycopg

from provider.store.database import open_database
from provider.store.engine import sqlite_module
from provider.store.migrate import ensure_schema
from tests.support.postgres import PostgresAddress


def migrate(url: str) -> None:
    """Give an empty database its schema."""
    database = open_database(url)
    try:
        ensure_schema(database)
    finally:
        database.close()


def make_sqlite_template(directory: Path) -> Path:
    """Make the file that is copied."""
    template = directory / "template.db"
    migrate(f"sqlite:///{template}")
    return template


def copy_sqlite(template: Path, copy: Path) -> str:
    """Copy an empty ledger, give the copy an id of its own, and return its URL."""
    shutil.copyfile(template, copy)
    connection = sqlite_module().connect(copy)
    try:
        connection.execute("UPDATE ledger_head SET ledger_id = ?", (str(uuid.uuid4()),))
        connection.commit()
    finally:
        connection.close()
    return f"sqlite:///{copy}"


def copy_postgres(server: PostgresAddress, template: str) -> str:
    """Copy an empty ledger, give the copy an id of its own, and return its URL."""
    url = server.create_database(template=template)
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("UPDATE ledger_head SET ledger_id = gen_random_uuid()::text")
    return url
