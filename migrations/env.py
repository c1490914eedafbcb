"""Alembic's environment: online over the connection it is given (or `-x url=...`), offline as a script of SQL."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from provider.store.engine import begin_immediate, create_engine
from provider.store.tables import metadata

DEFAULT_URL = "sqlite:///sandbox-ledger.db"


def url() -> str:
    """Find the database: `-x url=...`, else Alembic's `sqlalchemy.url`, else the default file."""
    given = context.get_x_argument(as_dictionary=True).get("url")
    return given or context.config.get_main_option("sqlalchemy.url") or DEFAULT_URL


def run_offline() -> None:
    """Write the migrations as SQL."""
    context.configure(url=url(), target_metadata=metadata, literal_binds=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online(connection: Connection) -> None:
    """Migrate over one connection, in one transaction."""
    if connection.dialect.name == "sqlite":
        begin_immediate(connection)
    else:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Run what Alembic was asked for."""
    if context.is_offline_mode():
        run_offline()
        return
    given = context.config.attributes.get("connection")
    if given is not None:
        run_online(given)
        return
    with create_engine(url()).connect() as connection:
        run_online(connection)
        connection.commit()


main()
