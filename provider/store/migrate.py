"""Bringing a database to this version's schema: once, however many processes start at the same moment.

The lock is a session advisory lock on PostgreSQL and `flock` on a file beside the database on SQLite. WAL is switched
on under it, because changing the journal mode needs the database to itself. Alembic is imported only to migrate: a
database that is current is recognised by its revision, and every process that starts looks at that.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from provider.domain.errors import SchemaError, StoreUnavailable
from provider.store.database import Database
from provider.store.engine import wal_is_safe

if TYPE_CHECKING:
    from alembic.config import Config

ADVISORY_LOCK = 0x5A4D_1ED6
UPGRADE = "sandbox-ledger db upgrade"
UNBOUNDED = "SET statement_timeout = 0; SET lock_timeout = 0"
"""A migration of a large log takes its time, and so does waiting for one; a slow machine must not end it half-way."""
_ALEMBIC = threading.Lock()
"""Alembic's context belongs to the whole process: two threads that migrate, even two databases, take turns."""


def script_location() -> Path:
    """Find the migrations: beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def alembic_config(connection: Connection | None = None) -> Config:
    """Build Alembic's configuration without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """Return the schema this version of the library works with."""
    return max(known_revisions())


def known_revisions() -> set[str]:
    """Return all schemas up to this version's: each migration's file is named by its revision, in their order."""
    return {path.name.partition("_")[0] for path in (script_location() / "versions").glob("*_*.py")}


def current_revision(database: Database) -> str | None:
    """Return the schema the database has; None for an empty database."""
    with database.reading() as connection:
        return _read_revision(connection)


def _read_revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return found


def upgrade(database: Database, revision: str = "head") -> None:
    """Migrate up to a revision; safe to call from any number of processes at once. Refuses a newer schema."""
    with _ALEMBIC, database.translated(), _exclusive(database) as connection:
        _require_known(connection, database)
        from alembic import command

        command.upgrade(alembic_config(connection), revision)
        connection.commit()


def migrate_connection(connection: Connection) -> None:
    """Make the newest schema over a connection to an empty database; the caller has the transaction."""
    from alembic import command

    with _ALEMBIC:
        command.upgrade(alembic_config(connection), "head")


def downgrade(database: Database, revision: str) -> None:
    """Migrate down to a revision (`base` drops everything)."""
    with _ALEMBIC, database.translated(), _exclusive(database) as connection:
        _require_known(connection, database)
        from alembic import command

        command.downgrade(alembic_config(connection), revision)
        connection.commit()


def ensure_schema(database: Database) -> None:
    """Create the schema in an empty database; refuse any other than this version's, naming both."""
    found = current_revision(database)
    if found is None:
        upgrade(database)
    else:
        require_current(database, found)


def require_current(database: Database, found: str | None) -> str:
    """Refuse any schema but this version's, and none too; return its name. Nothing is made or changed."""
    head = head_revision()
    if found is None:
        raise SchemaError(f"database {database.name}: is empty; run `{UPGRADE}`, or let the first worker fill it")
    if found != head:
        raise schema_mismatch(database, found, head)
    return head


def schema_mismatch(database: Database, found: str, head: str) -> SchemaError:
    """Describe the mismatch: an older database can be upgraded, a newer one needs a newer library."""
    is_older = found in known_revisions()
    age = "older" if is_older else "newer"
    step = f"run `{UPGRADE}`" if is_older else "install the version of sandbox-ledger that made it, or a later one"
    compared = f"its schema is {found}, {age} than {head}, which this version needs"
    return SchemaError(f"database {database.name}: {compared}; {step}")


def _require_known(connection: Connection, database: Database) -> None:
    found = _read_revision(connection)
    connection.rollback()
    if found not in {None, *known_revisions()}:
        raise schema_mismatch(database, str(found), head_revision())


@contextmanager
def _exclusive(database: Database) -> Iterator[Connection]:
    engine = database.engine
    if database.is_sqlite:
        with _file_lock(Path(engine.url.database or "")), engine.connect() as connection:
            _set_journal_mode(connection)
            yield connection
        return
    with engine.connect() as holder:
        holder.exec_driver_sql(UNBOUNDED)
        holder.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        try:
            with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
                connection.detach()  # its settings are for this migration only
                connection.exec_driver_sql(f"{UNBOUNDED}; SET idle_in_transaction_session_timeout = 0")
                connection.commit()
                yield connection
        finally:
            holder.invalidate()  # ends the session, and the lock with it


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    try:
        lock = os.fdopen(os.open(f"{file}.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise StoreUnavailable(f"database {file}: {error.strerror}; make its directory, and writable") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _set_journal_mode(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA journal_mode = {'WAL' if wal_is_safe() else 'TRUNCATE'}")
    connection.commit()
