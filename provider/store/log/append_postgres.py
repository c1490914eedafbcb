"""Appending on PostgreSQL: one autocommit statement of data-modifying CTEs.

The order is always (1) compare-and-set of the stream's row, (2) the head row, (3) events and projections: (2) is joined
to the outcome of (1), and (3) to (2), so a lost race takes no lock on the head row and writes nothing. A waiter reads
the head row again when it gets the lock (PostgreSQL's EvalPlanQual), so positions are dense and the chain is unbroken.
The version must never be checked by a subselect here: its snapshot is older than the lock.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from sqlalchemy import Table

from provider.domain.errors import CapacityExceeded
from provider.domain.log import Appended
from provider.store.log.batch import PENDING_TIME, Batch
from provider.store.states.rows import RowChange

CHANNEL = "sandbox_ledger"
"""Where each commit is announced; the payload is the position of its last event."""

_CASTS = {"TEXT": "text", "BIGINT": "bigint", "INTEGER": "integer", "BOOLEAN": "boolean", "DOUBLE": "float8"}
_STAMPED = frozenset({
    "created_at", "updated_at", "creating_at", "started_at", "ready_at", "ended_at", "removed_at",
})  # fmt: skip
_NAMED = re.compile(r"%\((\w+)\)s")


def append(cursor: Any, ledger_id: str, batch: Batch) -> Appended | None:
    """Run the append; None when the stream is not at the expected version."""
    after = batch.fold_pending()
    changes = batch.changes(after)
    shapes = tuple(Shape(change.table, change.is_new, tuple(change.key), tuple(change.values)) for change in changes)
    occupancy = batch.occupancy(after)
    reserved = occupancy > 0 and batch.capacity is not None
    sql, names = append_statement(batch.expected_version == 0, len(batch.entries), shapes, occupancy, reserved)
    values = parameters(ledger_id, batch, changes)
    row = cursor.execute(sql, [values[name] for name in names]).fetchone()
    if row is None:
        return None
    first_position, recorded_at, _notified, *hashes = row
    stamps = batch.stamps(first_position, recorded_at)
    return batch.appended(stamps, hashes, batch.fold(stamps))


def capacity_error(error: Exception) -> CapacityExceeded | None:
    """Recognise the refusal of `ledger_reserve`."""
    state = getattr(error, "sqlstate", None)
    if state not in ("SLC01", "SLC02"):
        return None
    return CapacityExceeded(str(error).splitlines()[0].removeprefix("capacity: "), per_user=state == "SLC02")


class Shape(NamedTuple):
    """The columns of one projection row that an append writes."""

    table: Table
    is_new: bool
    key: tuple[str, ...]
    columns: tuple[str, ...]


def parameters(ledger_id: str, batch: Batch, changes: list[RowChange]) -> dict[str, Any]:
    """Collect the statement's parameters."""
    values: dict[str, Any] = {
        "ledger": ledger_id, "stream": batch.stream, "expected": batch.expected_version,
        "actor": batch.author.actor, "correlation": batch.author.correlation_id, "pending": PENDING_TIME,
    }  # fmt: skip
    for i, entry in enumerate(batch.entries):
        values |= {
            f"type{i}": entry.event.type, f"schema{i}": entry.event.schema_version, f"data{i}": entry.data,
            f"body{i}": entry.body, f"command{i}": entry.command_id,
        }  # fmt: skip
    if batch.capacity is not None and batch.state is not None:
        capacity, created = batch.capacity, batch.fold_pending()
        user_id = created.user_id if created is not None else None
        values |= {"replicas": capacity.replicas, "per_user": capacity.per_user, "user": user_id}
    for i, change in enumerate(changes):
        values |= {f"r{i}_{name}": value for name, value in (change.key | change.values).items()}
    return values


@functools.lru_cache(maxsize=256)
def append_statement(
    is_new: bool, events: int, shapes: tuple[Shape, ...], occupancy: int = 0, reserved: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Write the statement for an append of this shape, with the names of its parameters `$1`, `$2`, ...

    `occupancy` is the change of the number of live sandboxes; with `reserved` it must fit into the capacity, else the
    whole statement fails with SQLSTATE SLC01 (the ledger's limit) or SLC02 (the user's).
    """
    parts = [
        f"cas AS ({_compare_and_set(is_new, events)})",
        f"head AS ({_advance_head(events, occupancy, reserved)})",
        *_intermediate_hashes(events),
        f"logged AS ({_insert_events(events)})",
        *(f"row{i} AS ({_write_row(shape, f'r{i}')})" for i, shape in enumerate(shapes)),
    ]
    hashes = ", ".join(_hash_of(i, events) for i in range(events))
    answer = f"base + 1, recorded_at, pg_notify('{CHANNEL}', (base + {events})::text), {hashes}"
    named = f"WITH {', '.join(parts)} SELECT {answer} FROM {_sources(events)}"  # noqa: S608
    names: dict[str, str] = {}
    sql = _NAMED.sub(lambda found: names.setdefault(found[1], f"${len(names) + 1}"), named)
    return sql, tuple(names)


def _compare_and_set(is_new: bool, events: int) -> str:
    if is_new:
        return (
            f"INSERT INTO streams (stream, version) VALUES (%(stream)s::text, {events}) "  # noqa: S608
            "ON CONFLICT DO NOTHING RETURNING version"
        )
    return (
        f"UPDATE streams SET version = version + {events} "  # noqa: S608
        "WHERE stream = %(stream)s::text AND version = %(expected)s::bigint RETURNING version"
    )


def _advance_head(events: int, occupancy: int, reserved: bool) -> str:
    now = "greatest(statement_timestamp(), h.recorded_at)"
    chained = "h.hash"
    for i in range(events):
        chained = _link(chained, f"h.position + {i + 1}", _as_text(now), f"%(body{i})s")
    live = f"h.live + {occupancy}"
    if reserved:
        live = f"ledger_reserve({live}, %(replicas)s::integer, %(user)s::text, %(per_user)s::integer)"
    return (
        f"UPDATE ledger_head AS h SET live = {live}, position = h.position + {events}, previous_hash = h.hash, "  # noqa: S608
        f"hash = {chained}, recorded_at = {now} FROM cas WHERE h.ledger_id = %(ledger)s::text "
        f"RETURNING h.position - {events} AS base, h.previous_hash, h.recorded_at, h.hash"
    )


def _intermediate_hashes(events: int) -> list[str]:
    """Recompute the hashes before the last one, which the head row does not keep."""
    parts = []
    for i in range(events - 1):
        before = "head.previous_hash" if i == 0 else f"link{i - 1}.hash"
        source = "head" if i == 0 else f"head, link{i - 1}"
        link = _link(before, f"head.base + {i + 1}", _as_text("head.recorded_at"), f"%(body{i})s")
        parts.append(f"link{i} AS (SELECT {link} AS hash FROM {source})")  # noqa: S608
    return parts


def _insert_events(events: int) -> str:
    rows = " UNION ALL ".join(
        f"SELECT base + {i + 1}, %(stream)s::text, %(expected)s::bigint + {i + 1}, %(type{i})s::text, "  # noqa: S608
        f"%(schema{i})s::integer, %(data{i})s::jsonb, recorded_at, %(actor)s::text, %(correlation)s::text, "
        f"%(command{i})s::text, {_hash_of(i, events)} FROM {_sources(events)}"
        for i in range(events)
    )
    return (
        "INSERT INTO events (position, stream, version, type, schema_version, data, recorded_at, actor, "
        f"correlation_id, command_id, hash) {rows}"
    )


def _write_row(shape: Shape, prefix: str) -> str:
    table, key = shape.table, shape.key
    values = {name: _value(table, name, f"%({prefix}_{name})s") for name in (*shape.columns, *key)}
    if not shape.is_new:
        updates = ", ".join(f"{name} = {values[name]}" for name in shape.columns)
        match = " AND ".join(f"p.{name} = {values[name]}" for name in key)
        return f"UPDATE {table.name} AS p SET {updates} FROM head WHERE {match}"  # noqa: S608
    # Rows of another state would be left from a log that was put back: this one is right.
    updates = ", ".join(f"{name} = excluded.{name}" for name in shape.columns)
    return (
        f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM head "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}"
    )


def _value(table: Table, column: str, parameter: str) -> str:
    if column in _STAMPED:
        return f"CASE {parameter}::timestamptz WHEN %(pending)s::timestamptz THEN head.recorded_at ELSE {parameter} END"
    if column.endswith("_at"):
        return f"{parameter}::timestamptz"
    if column in ("holders", "crashes"):
        return f"{parameter}::jsonb"
    if column == "evidence_position":
        return f"CASE WHEN {parameter}::bigint < 0 THEN head.base - {parameter}::bigint ELSE {parameter}::bigint END"
    return f"{parameter}::{_CASTS[str(table.c[column].type)]}"


def _link(previous: str, position: str, at: str, body: str) -> str:
    text = rf"{previous} || E'\n' || ({position})::text || E'\n' || {at} || E'\n' || {body}::text"
    return f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"


def _as_text(moment: str) -> str:
    return f"""to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def _hash_of(i: int, events: int) -> str:
    return "head.hash" if i == events - 1 else f"link{i}.hash"


def _sources(events: int) -> str:
    return ", ".join(["head", *(f"link{i}" for i in range(events - 1))])
