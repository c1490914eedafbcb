"""Appending on SQLite: one `BEGIN IMMEDIATE` transaction, in the same order as on PostgreSQL.

The database's clock is the host's (an embedded database has no other), read while the write lock is held and never
earlier than the last event's time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from provider.domain.errors import CapacityExceeded
from provider.domain.log import Appended, chain_hash, format_timestamp, parse_timestamp
from provider.domain.state import SandboxState
from provider.store.database import host_now
from provider.store.log.batch import Batch

_NEW_STREAM = "INSERT INTO streams (stream, version) VALUES (?, ?) ON CONFLICT DO NOTHING"
_CAS = "UPDATE streams SET version = ? WHERE stream = ? AND version = ?"
_HEAD = "SELECT position, hash, recorded_at, live FROM ledger_head WHERE ledger_id = ?"
_USER_LIVE = "SELECT count(*) FROM sandboxes WHERE user_id IS ? AND status IN ('creating', 'active', 'warm')"
_ADVANCE = (
    "UPDATE ledger_head SET position = ?, previous_hash = ?, hash = ?, recorded_at = ?, live = ? WHERE ledger_id = ?"
)
_EVENT = (
    "INSERT INTO events (position, stream, version, type, schema_version, data, recorded_at, actor, correlation_id, "
    "command_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def append(cursor: Any, ledger_id: str, batch: Batch) -> Appended | None:
    """Write the append inside the caller's immediate transaction; None when the stream has moved on."""
    if not _compare_and_set(cursor, batch):
        return None
    position, previous, last, live = cursor.execute(_HEAD, (ledger_id,)).fetchone()
    recorded_at = max(host_now(), parse_timestamp(last))
    at = format_timestamp(recorded_at)
    hashes, link = [], previous
    for i, entry in enumerate(batch.entries):
        link = chain_hash(link, position + i + 1, at, entry.body)
        hashes.append(link)
    stamps = batch.stamps(position + 1, recorded_at)
    after = batch.fold(stamps)
    live += batch.occupancy(after)
    _reserve(cursor, batch, after, live)
    cursor.execute(_ADVANCE, (position + len(hashes), previous, link, at, live, ledger_id))
    cursor.executemany(_EVENT, _event_rows(batch, position + 1, at, hashes))
    for change in batch.changes(after):
        columns, key = tuple(change.values), tuple(change.key)
        sql = change_statement(change.table, change.is_new, key, columns)
        cursor.execute(sql, as_values(change.values | change.key, columns + key))
    return batch.appended(stamps, hashes, after)


def _compare_and_set(cursor: Any, batch: Batch) -> bool:
    version = batch.expected_version + len(batch.entries)
    if batch.expected_version == 0:
        cursor.execute(_NEW_STREAM, (batch.stream, version))
    else:
        cursor.execute(_CAS, (version, batch.stream, batch.expected_version))
    changed: int = cursor.rowcount
    return changed == 1


def _reserve(cursor: Any, batch: Batch, after: SandboxState | None, live: int) -> None:
    capacity = batch.capacity
    if capacity is None or after is None or batch.occupancy(after) <= 0:
        return
    # The user's limit first: with both reached, only a sandbox of that user's own makes room.
    if capacity.per_user is not None:
        (held,) = cursor.execute(_USER_LIVE, (after.user_id,)).fetchone()
        if held >= capacity.per_user:
            raise CapacityExceeded(f"user {after.user_id!r} has {held} sandboxes already", per_user=True)
    if live > capacity.replicas:
        raise CapacityExceeded(f"{live} sandboxes would be live, {capacity.replicas} are allowed")


def _event_rows(batch: Batch, first: int, at: str, hashes: list[str]) -> Any:
    author = batch.author
    return [
        (first + i, batch.stream, entry.version, entry.event.type, entry.event.schema_version, entry.data, at,
         author.actor, author.correlation_id, entry.command_id, hashes[i])
        for i, entry in enumerate(batch.entries)
    ]  # fmt: skip


@functools.lru_cache(maxsize=256)
def change_statement(table: Table, is_new: bool, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Write the statement that makes or changes a row; its parameters are the columns, then the key."""
    match = " AND ".join(f"{name} = ?" for name in key)
    if not is_new:
        return f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {match}"  # noqa: S608
    names = [*columns, *key]
    # Rows of another state would be left from a log that was put back: this one is right.
    return f"INSERT OR REPLACE INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def as_values(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[Any, ...]:
    """Bind a row by hand: times as text."""
    return tuple(format_timestamp(v) if isinstance(v := row[name], datetime) else v for name in columns)
