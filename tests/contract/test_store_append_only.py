"""S80: the database itself refuses to change the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import append, born, execute

COLUMNS = "position, stream, version, type, schema_version, data, recorded_at, actor, correlation_id, command_id, hash"
COPY = "SELECT {}, recorded_at, actor, correlation_id, NULL, hash FROM events WHERE position = 1"
SAME_POSITION = COPY.format("1, 'x', 1, type, schema_version, data")
SAME_VERSION = COPY.format("99, stream, version, type, schema_version, data")

EVERYWHERE = [
    "UPDATE events SET actor = 'operator:eve' WHERE position = 1",
    "UPDATE events SET position = position + 100",
    "DELETE FROM events WHERE position = 2",
    "DELETE FROM events",
    f"INSERT INTO events ({COLUMNS}) {SAME_POSITION}",
    f"INSERT INTO events ({COLUMNS}) {SAME_VERSION}",
    f"INSERT INTO events ({COLUMNS}) {SAME_VERSION} ON CONFLICT (stream, version) DO UPDATE SET actor = 'operator:eve'",
]
SQLITE = [
    "UPDATE OR REPLACE events SET actor = 'operator:eve' WHERE position = 1",
    f"INSERT OR REPLACE INTO events ({COLUMNS}) {SAME_POSITION}",
    f"REPLACE INTO events ({COLUMNS}) {SAME_VERSION}",
    f"INSERT OR REPLACE INTO events (rowid, {COLUMNS.removeprefix('position, ')}) "
    + COPY.format("1, 'x', 1, type, schema_version, data"),
]
POSTGRES = [
    "TRUNCATE events",
    "TRUNCATE events CASCADE",
    *(
        f"SET LOCAL session_replication_role = replica; {statement}"
        for statement in [*EVERYWHERE[:4], "TRUNCATE events"]
    ),
]


@pytest.fixture
def written(store: SqlEventStore) -> Iterator[SqlEventStore]:
    """Fill a ledger with events, and find them untouched afterwards."""
    append(store, *born())
    before = list(store.read_all())
    yield store
    assert list(store.read_all()) == before


def test_the_log_cannot_be_changed_by_sql(written: SqlEventStore) -> None:
    own = SQLITE if written.database.is_sqlite else POSTGRES
    for statement in [*EVERYWHERE, *own]:
        with pytest.raises(DBAPIError, match=r"append-only|uq_events|pk_events"):
            execute(written, statement)
