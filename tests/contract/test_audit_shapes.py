"""No view fails on an event of an older or a newer version: what it does not say is NULL."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from provider.domain import events as ev
from provider.domain.events import REGISTRY
from provider.domain.ids import LEDGER_STREAM, sandbox_stream
from provider.store.audit_sql.views import CURRENT
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import AUTHOR, SANDBOX, append, born, execute

SHAPES = [
    "{}",
    "[]",
    "null",
    "7",
    '"text"',
    '{"generation": "one", "worker_id": 7, "target": {"nested": [1]}, "user_id": [], "outcome": true}',
    '{"generation": 1.5, "worker_id": null, "cause": {}, "reason": 0.25}',
    '{"generation": 1000000000000000000000000000000, "how": [1, 2]}',
    '{"generation": -1, "something": "of a later version"}',
]
SQLITE_ONLY = ['{"generation": 1', "", "nonsense"]
TYPES = [*sorted(REGISTRY), "SandboxTeleported"]
TIME = "2026-01-01T00:00:00.000000Z"


def insertion(stream: str, version: int, type_: str, data: str, position: int) -> str:
    """Write an event past the library, as another version of it might."""
    return (
        "INSERT INTO events (position, stream, version, type, schema_version, data, recorded_at, actor, "
        f"correlation_id, hash) VALUES ({position}, '{stream}', {version}, '{type_}', 99, '{data}', '{TIME}', "
        "'worker:w1', 'call', 'x')"
    )


def read_all(store: SqlEventStore) -> dict[str, Sequence[Any]]:
    with store.database.engine.connect() as connection:
        return {view: connection.exec_driver_sql(f"SELECT * FROM {view}").all() for view in CURRENT}


@pytest.fixture
def strange(store: SqlEventStore) -> SqlEventStore:
    """Fill a ledger in which every type of event has every shape, in a sandbox's stream and in the ledger's."""
    append(store, *born())
    asked = ev.OperatorActionRequested(operator="o", action="destroy", target=SANDBOX, reason="r")
    store.append(LEDGER_STREAM, 0, [asked], AUTHOR)
    shapes = SHAPES + (SQLITE_ONLY if store.database.is_sqlite else [])
    statements = []
    for number, (type_, shape) in enumerate(itertools.product(TYPES, shapes)):
        statements.append(insertion(sandbox_stream(SANDBOX), 100 + number, type_, shape, 1000 + 2 * number))
        statements.append(insertion(LEDGER_STREAM, 100 + number, type_, shape, 1001 + 2 * number))
    execute(store, *statements)
    return store


def test_no_view_fails_and_what_is_not_said_is_null(strange: SqlEventStore) -> None:
    found = read_all(strange)
    holds = [row for row in found["v_holds"] if row.worker_id is None]
    assert holds
    assert {row.generation for row in holds} <= {None}
    asked = [row for row in found["v_operator_actions"] if row.target is None]
    assert asked
    assert {(row.operator, row.action, row.sandbox_id, row.outcome) for row in asked} == {(None, None, None, None)}
    assert [row for row in found["v_operator_actions"] if row.sandbox_id == SANDBOX]
    assert {row.rule for row in found["v_violations"]} >= {"head_differs", "stream_differs"}


def test_holders_that_are_no_list_are_no_reason_to_fail(store: SqlEventStore) -> None:
    append(store, *born())
    for holders in ("{}", "7", '"w1"', "null", '[["w1"], 3, null]'):
        execute(store, f"UPDATE sandboxes SET holders = '{holders}'")
        assert {row.rule for row in read_all(store)["v_violations"]} <= {"hold_not_in_log"}
