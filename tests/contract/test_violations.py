"""`v_violations`: empty on a healthy ledger, and exactly the broken rule where one was broken by force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from provider.domain import events as ev
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import Author
from provider.store.audit_sql import fleet_rules
from provider.store.audit_sql.dialect import SQLITE
from provider.store.audit_sql.fleet_rules import fleet_checks
from provider.store.audit_sql.intent_rules import intent_checks
from provider.store.audit_sql.log_rules import log_checks
from provider.store.log.event_store import SqlEventStore
from tests.contract.store_support import AUTHOR, SANDBOX, append, born, creating, died, remove_guards

FAILED, ENDED = "f" * 16, "e" * 16
LIVE = f"sandbox_id = '{SANDBOX}'"
OLD = "'2020-01-01T00:00:00.000000Z'"
LAST = "(SELECT max(position) FROM events)"
GENERATION = (
    "generation, backend, image, cause, worker_id, container_id, container_name, host, url, creating_at, started_at, "
    "ready_at, startup_seconds, died_at, detected_by, ended_at, end_reason, expected, error, exit_code, oom_killed, "
    "finished_at, evidence_position, removed_at, removal_failures, removal_error"
)
PLANTED: dict[str, tuple[str, str, Sequence[str]]] = {
    "two live containers of one sandbox": ("two_live_generations", f"sandbox:{SANDBOX}", [
        ("UPDATE generations SET died_at = NULL, ended_at = NULL, end_reason = NULL, removed_at = NULL, "
        f"evidence_position = NULL WHERE {LIVE} AND generation = 1"),
    ]),
    "two sandboxes of one thread": ("two_sandboxes_of_one_thread", f"sandbox:{FAILED}", [
        f"UPDATE sandboxes SET thread_id = 't' WHERE sandbox_id = '{FAILED}'",
    ]),
    "a sandbox of two threads": ("identity_differs", f"sandbox:{SANDBOX}", [
        f"UPDATE sandboxes SET thread_id = 'another' WHERE {LIVE}",
    ]),
    "a creation without intent": ("created_without_intent", f"sandbox:{SANDBOX}", [
        f"UPDATE events SET type = 'SandboxStarted' WHERE stream = 'sandbox:{SANDBOX}' AND type = 'SandboxCreating'",
    ]),
    "removed without evidence": ("removed_without_evidence", f"sandbox:{SANDBOX}", [
        f"UPDATE generations SET evidence_position = NULL WHERE {LIVE} AND generation = 1",
    ]),
    "evidence that is something else": ("evidence_not_in_log", f"sandbox:{SANDBOX}", [
        f"UPDATE generations SET evidence_position = 1 WHERE {LIVE} AND generation = 1",
    ]),
    "evidence after the removal": ("evidence_not_in_log", f"sandbox:{SANDBOX}", [
        f"UPDATE generations SET removed_at = {OLD} WHERE {LIVE} AND generation = 1",
    ]),
    "removed without intent": ("removed_without_intent", f"sandbox:{ENDED}", [
        f"UPDATE generations SET ended_at = NULL, end_reason = NULL WHERE sandbox_id = '{ENDED}'",
    ]),
    "an unknown container removed without intent": ("orphan_removed_without_intent", "ledger", [
        "UPDATE events SET type = 'OperatorActionCompleted' WHERE type = 'OperatorActionRequested'",
    ]),
    "a reason outside the closed set": ("unknown_end_reason", f"sandbox:{ENDED}", [
        f"UPDATE generations SET end_reason = 'bored' WHERE sandbox_id = '{ENDED}'",
    ]),
    "running after its destruction": ("live_without_container", f"sandbox:{SANDBOX}", [
        (f"UPDATE generations SET ended_at = creating_at, end_reason = 'request', removed_at = creating_at "
        f"WHERE {LIVE} AND generation = 2"),
    ]),
    "a live container that left the mapping": ("container_not_in_mapping", f"sandbox:{SANDBOX}", [
        f"UPDATE sandboxes SET status = 'gone', holders = '[]' WHERE {LIVE}", "UPDATE ledger_head SET live = 0",
    ]),
    "active and held by nobody": ("holders_differ", f"sandbox:{SANDBOX}", [
        f"UPDATE sandboxes SET holders = '[]' WHERE {LIVE}",
    ]),
    "warm and held": ("holders_differ", f"sandbox:{SANDBOX}", [
        f"UPDATE sandboxes SET status = 'warm' WHERE {LIVE}",
    ]),
    "held by an ended worker": ("held_by_ended_worker", f"sandbox:{SANDBOX}", [
        f"UPDATE workers SET ended_at = {OLD}, ended_as = 'lost'",
    ]),
    "held by somebody unknown to the log": ("hold_not_in_log", f"sandbox:{SANDBOX}", [
        f"UPDATE sandboxes SET holders = '[\"w1\",\"eve\"]' WHERE {LIVE}",
    ]),
    "over capacity": ("capacity_differs", "ledger", ["UPDATE ledger_head SET live = live - 1"]),
    "a sandbox's row behind its stream": ("sandbox_differs", f"sandbox:{ENDED}", [
        f"UPDATE sandboxes SET version = version - 1 WHERE sandbox_id = '{ENDED}'",
    ]),
    "a sandbox's row lost": ("sandbox_missing", f"sandbox:{ENDED}", [
        f"DELETE FROM sandboxes WHERE sandbox_id = '{ENDED}'",
        f"DELETE FROM generations WHERE sandbox_id = '{ENDED}'",
    ]),
    "a sandbox's row invented": ("sandbox_invented", "sandbox:0", [
        ("INSERT INTO sandboxes (sandbox_id, status, generation, holders, created_at, updated_at, version) "
        f"VALUES ('0', 'absent', 0, '[]', {OLD}, {OLD}, 1)"),
    ]),
    "a generation that never was": ("generation_differs", f"sandbox:{ENDED}", [
        f"UPDATE sandboxes SET generation = 7 WHERE sandbox_id = '{ENDED}'",
    ]),
    "a container newer than its sandbox": ("generation_differs", f"sandbox:{ENDED}", [
        (f"INSERT INTO generations (sandbox_id, {GENERATION}) SELECT sandbox_id, "
        f"{GENERATION.replace('generation', 'generation + 1', 1)} FROM generations WHERE sandbox_id = '{ENDED}'"),
    ]),
    "a container of no sandbox": ("container_of_nothing", "sandbox:0", [
        (f"INSERT INTO generations (sandbox_id, {GENERATION}) SELECT '0', {GENERATION} FROM generations "
        f"WHERE sandbox_id = '{ENDED}'"),
    ]),
    "a gap in the positions": ("gap_in_positions", "ledger", [
        f"UPDATE events SET position = position + 1 WHERE position = {LAST}",
        f"UPDATE ledger_head SET position = {LAST}",
    ]),
    "the tail cut off": ("head_differs", "ledger", [
        f"DELETE FROM events WHERE position = {LAST}",
        "UPDATE streams SET version = version - 1 WHERE stream = 'ledger'",
    ]),
    "a head row of another chain": ("head_differs", "ledger", ["UPDATE ledger_head SET hash = 'x'"]),
    "a gap in the versions": ("gap_in_versions", "ledger", [
        "UPDATE events SET version = version + 1 WHERE stream = 'ledger' AND version = 2",
        "UPDATE streams SET version = version + 1 WHERE stream = 'ledger'",
    ]),
    "a stream's row ahead of the log": ("stream_differs", "worker:w1", [
        "UPDATE streams SET version = version + 1 WHERE stream = 'worker:w1'",
    ]),
    "a stream's row without events": ("stream_differs", "worker:w2", [
        "INSERT INTO streams (stream, version) VALUES ('worker:w2', 1)",
    ]),
    "a stream's row lost": ("stream_unknown", "worker:w1", ["DELETE FROM streams WHERE stream = 'worker:w1'"]),
}  # fmt: skip
"""What was done by force, and the one rule that is broken by it, with its subject."""


@pytest.fixture
def lived(store: SqlEventStore) -> SqlEventStore:
    """Fill a ledger with one of everything: in use after a crash, failed at the start, ended in order, an orphan."""
    store.append("worker:w1", 0, [ev.WorkerStarted(worker_id="w1", host="h", pid=1)], AUTHOR)
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO workers (worker_id, host, pid, started_at, heartbeat_at) VALUES ('w1', 'h', 1, {OLD}, {OLD})"
        )
    append(store, *born())
    append(store, *died(store))
    append(store, *born(2))
    append(store, replace(creating(1, FAILED), thread_id="t2"), sandbox_id=FAILED)
    append(store, ev.SandboxCreateFailed(generation=1, stage="start", error="no"), sandbox_id=FAILED)
    first, *others = born(1, ENDED)
    assert isinstance(first, ev.SandboxCreating)
    append(store, replace(first, thread_id="t3"), *others, sandbox_id=ENDED)
    append(store, ev.SandboxReleased(generation=1, worker_id="w1", cause="request"), sandbox_id=ENDED)
    append(store, ev.SandboxEvicted(generation=1, reason="idle"), sandbox_id=ENDED)
    append(store, ev.SandboxDestroyed(generation=1), sandbox_id=ENDED)
    asked = ev.OperatorActionRequested(operator="sweeper:1", action="remove_orphan", target="box c9", reason="unknown")
    removed = ev.OrphanRemoved(generation=3, container_id="c9", container_name="box")
    store.append(LEDGER_STREAM, 0, [asked], Author("sweeper:1", "call-1"))
    store.append(LEDGER_STREAM, 1, [removed], Author("sweeper:2", "call-2"))
    return store


def planted(store: SqlEventStore, statements: Sequence[str]) -> list[tuple[str, str]]:
    """Break something by force, look, and take it back."""
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        remove_guards(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)
        rows = connection.exec_driver_sql("SELECT rule, subject, detail, position FROM v_violations").all()
        connection.exec_driver_sql("ROLLBACK")
    assert all(row.detail for row in rows)
    return [(row.rule, row.subject) for row in rows]


def test_a_healthy_ledger_has_no_violations(lived: SqlEventStore, store: SqlEventStore) -> None:
    assert planted(store, []) == []


def test_an_empty_ledger_has_no_violations(store: SqlEventStore) -> None:
    assert planted(store, []) == []


def test_each_planted_violation_is_seen_and_nothing_else(lived: SqlEventStore) -> None:
    seen = {what: planted(lived, statements) for what, (_, _, statements) in PLANTED.items()}
    assert seen == {what: [(rule, subject)] for what, (rule, subject, _) in PLANTED.items()}


def test_the_closed_set_is_that_of_the_events() -> None:
    assert tuple(fleet_rules.END_REASONS) == ev.END_REASONS
    assert frozenset(fleet_rules.CRASH_REASONS) == ev.CRASH_REASONS


def test_every_rule_is_planted() -> None:
    checks = [*log_checks("0"), *fleet_checks(SQLITE, "0"), *intent_checks(SQLITE, "0")]
    assert {rule.name for check in checks for rule in check.rules} == {rule for rule, _, _ in PLANTED.values()}
