"""Attacks on what guards and explains the log: triggers, functions, views, indexes, and rows beside the log."""

from __future__ import annotations

import pytest
import sqlalchemy

from provider.domain import events as ev
from provider.domain.sweeps import Counts
from provider.domain.verification import Scope, VerificationReport
from provider.store import verification
from provider.store.coordination.leases import SqlLeases
from provider.store.coordination.sweeps import SqlSweeps
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import rebuild
from provider.store.schema import compare_schema
from provider.store.verification import Verification
from tests.contract.store_support import AUTHOR, append, born, died, execute

HARMLESS_VIEW = "SELECT 'x' AS rule, 'x' AS subject, 'x' AS detail, CAST(NULL AS bigint) AS position WHERE 1 = 0"
BOTH = {
    "a view is replaced": (
        ("DROP VIEW v_violations", f"CREATE VIEW v_violations AS {HARMLESS_VIEW}"),
        "view v_violations is not as the migrations make it",
    ),
    "a view is dropped": (("DROP VIEW v_holds",), "view v_holds is missing"),
    "an index is dropped": (("DROP INDEX uq_events_command_id",), "index uq_events_command_id is missing"),
    "an index is another one": (
        ("DROP INDEX ix_events_seals", "CREATE INDEX ix_events_seals ON events (stream)"),
        "index ix_events_seals is not as the migrations make it",
    ),
    "a column is gone": (("ALTER TABLE workers DROP COLUMN jobs",), "column workers.jobs is missing"),
    "a column is added": (("ALTER TABLE workers ADD COLUMN mine text",), "column workers.mine is none of this schema"),
    "a table is gone": (("DROP TABLE waiters",), "table waiters is missing"),
}
SQLITE = {
    "a trigger is dropped": (("DROP TRIGGER events_no_delete",), "trigger events_no_delete is missing"),
    "a trigger is tamed": (
        (
            "DROP TRIGGER events_no_delete",
            "CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN 0 BEGIN SELECT RAISE(ABORT, 'no'); END",
        ),
        "trigger events_no_delete is not as the migrations make it",
    ),
    "a trigger is added": (
        ("CREATE TRIGGER hide AFTER INSERT ON events BEGIN DELETE FROM workers; END",),
        "trigger hide is none of this schema",
    ),
    "a guard like that of a ledger for reading": (
        ("CREATE TRIGGER events_for_reading BEFORE INSERT ON events BEGIN DELETE FROM workers; END",),
        "trigger events_for_reading is none of this schema",
    ),
}
POSTGRES = {
    "a trigger is dropped": (("DROP TRIGGER events_no_delete ON events",), "trigger events_no_delete is missing"),
    "a trigger sleeps": (
        ("ALTER TABLE events DISABLE TRIGGER events_no_delete",),
        "trigger events_no_delete is not as the migrations make it",
    ),
    "a trigger sleeps in a replica": (
        ("ALTER TABLE events ENABLE TRIGGER events_no_delete",),
        "trigger events_no_delete is not as the migrations make it",
    ),
    "a function is tamed": (
        (
            """CREATE OR REPLACE FUNCTION events_refuse_delete() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RETURN OLD; END $$""",
        ),
        "function events_refuse_delete() is not as the migrations make it",
    ),
    "a function has a double": (
        ("CREATE FUNCTION ledger_reserve(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'",),
        "function ledger_reserve(bigint) is none of this schema",
    ),
    "a rule is added": (
        ("CREATE RULE hide AS ON INSERT TO workers DO ALSO DELETE FROM sweeps",),
        "rule hide is none of this schema",
    ),
    "rows are hidden": (("ALTER TABLE events ENABLE ROW LEVEL SECURITY",), "table events is not as"),
    "a constraint is dropped": (
        ("ALTER TABLE events DROP CONSTRAINT uq_events_stream_version",),
        "constraint uq_events_stream_version is missing",
    ),
}


def verify(store: SqlEventStore, *, since: bool = False) -> VerificationReport:
    return Verification(store.database, None, Scope(since_last_seal=since)).run()


def details(report: VerificationReport, rule: str) -> list[str]:
    return [one.detail for one in report.problems if one.rule == rule]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", [*BOTH, *SQLITE])
def test_every_attack_on_the_schema_of_sqlite_is_told(store: SqlEventStore, name: str) -> None:
    attack(store, *(BOTH | SQLITE)[name])


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("name", [*BOTH, *POSTGRES])
def test_every_attack_on_the_schema_of_postgresql_is_told(store: SqlEventStore, name: str) -> None:
    attack(store, *(BOTH | POSTGRES)[name])


def attack(store: SqlEventStore, statements: tuple[str, ...], told: str) -> None:
    assert compare_schema(store.database).differences == ()
    execute(store, *statements)
    compared = compare_schema(store.database)
    assert compared.unchecked is None
    assert any(difference.startswith(told) for difference in compared.differences), compared


def test_a_comparison_leaves_nothing_behind_and_what_was_rebuilt_is_as_it_was(store: SqlEventStore) -> None:
    append(store, *born())
    along = "" if store.database.is_sqlite else " CASCADE"
    execute(store, *(f"DROP TABLE {name}{along}" for name in ("streams", "sandboxes", "generations")))
    assert compare_schema(store.database).differences
    rebuild(store.database)
    assert compare_schema(store.database).differences == ()
    if not store.database.is_sqlite:
        assert not [name for name in sqlalchemy.inspect(store.database.engine).get_schema_names() if "check" in name]


def test_a_replaced_view_hides_no_broken_invariant(store: SqlEventStore) -> None:
    append(store, *born())
    execute(store, *BOTH["a view is replaced"][0], "UPDATE sandboxes SET status = 'gone'")
    report = verify(store)
    assert details(report, "schema") == [BOTH["a view is replaced"][1]]
    assert any(detail.startswith("container_not_in_mapping") for detail in details(report, "violation"))


def test_rows_of_workers_that_the_log_tells_of_are_missed(store: SqlEventStore) -> None:
    registry = SqlWorkerRegistry(store.database)
    for name in ("w1", "w2"):
        registry.register(name, "here", 1)
        store.append(f"worker:{name}", 0, [ev.WorkerStarted(worker_id=name, host="here", pid=1)], AUTHOR)
    assert verify(store).problems == ()
    execute(store, "DELETE FROM workers WHERE worker_id = 'w1'")
    assert details(verify(store), "table") == ["workers w1: is missing, the log says that it started"]


def test_rows_of_sweeps_that_the_log_tells_of_are_missed(store: SqlEventStore) -> None:
    sweeps = SqlSweeps(store.database)
    SqlLeases(store.database).acquire("sweeper", "w1", 60.0)
    for version, name in enumerate(("first", "second", "third")):
        sweeps.begin(name, "w1", 1)
        done = ev.SweepCompleted(expected=1, observed=1, actions=1, failures=0)
        store.append("ledger", version, [done], AUTHOR)
        sweeps.finish(name, Counts(actions=1), None)
    assert verify(store).problems == ()
    execute(store, "DELETE FROM sweeps WHERE sweep_id = 'first'")
    assert verify(store).problems == (), "the oldest ones are forgotten in order"
    execute(store, "DELETE FROM sweeps WHERE sweep_id = 'third'")
    assert details(verify(store), "table") == ["sweeps: the row of the sweep that event 3 tells of is missing"]
    execute(store, "DELETE FROM sweeps")
    assert details(verify(store), "table") == ["sweeps: has no row, the log tells of sweeps"]


def test_an_edited_projection_is_found_by_default_or_the_report_says_what_was_left_out(
    store: SqlEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store, *born())
    append(store, *died(store))
    execute(store, "UPDATE generations SET exit_code = 1")
    assert any("exit_code" in detail for detail in details(verify(store), "table"))
    assert "--tables" in str(verify(store, since=True).notes)
    monkeypatch.setattr(verification, "MOST_COMPARED", 7)
    report = verify(store)
    assert details(report, "table") == []
    assert "--tables" in str(report.notes)
