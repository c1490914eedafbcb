from __future__ import annotations

import pytest
from sqlalchemy import text

from provider.bootstrap import open_administration
from provider.config.settings import DatabaseSettings, Settings
from provider.domain.errors import SchemaError
from tests.integration.cli.ledger import Ledger


def execute(ledger: Ledger, *statements: str) -> None:
    with ledger.store.database.engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def test_a_healthy_ledger_has_no_problems(ledger: Ledger) -> None:
    ledger.crash(ledger.start("thread"))
    report = ledger.maintenance.check()
    assert (report.events, report.problems) == (ledger.insights.head_position(), ())


def test_a_changed_projection_is_found_and_rebuilt(ledger: Ledger) -> None:
    ledger.start("thread")
    execute(ledger, "UPDATE sandboxes SET thread_id = 'forged'")
    (problem,) = ledger.maintenance.check().problems
    assert "thread_id is 'forged', the log says 'thread'" in problem
    assert ledger.maintenance.rebuild() == ledger.insights.head_position()
    assert ledger.maintenance.check().problems == ()


def test_a_changed_schema_is_found(ledger: Ledger) -> None:
    execute(ledger, "ALTER TABLE sandboxes ADD COLUMN intruder text")
    problems = ledger.maintenance.check().problems
    assert any("intruder" in problem for problem in problems)


def test_an_empty_database_is_described_upgraded_and_only_then_checked(bare_database_url: str) -> None:
    maintenance = open_administration(Settings(database=DatabaseSettings(url=bare_database_url))).maintenance
    assert maintenance.versions().current is None
    with pytest.raises(SchemaError, match="is empty; run `sandbox-ledger db upgrade`"):
        maintenance.check()
    assert maintenance.upgrade().current is None
    assert maintenance.upgrade().current == maintenance.versions().head
    assert maintenance.check().events == 0
    assert maintenance.describe().product in {"SQLite", "PostgreSQL"}
    maintenance.close()


def test_a_newer_schema_is_left_alone(ledger: Ledger) -> None:
    execute(ledger, "UPDATE alembic_version SET version_num = '9999'")
    for action in (ledger.maintenance.upgrade, ledger.maintenance.check, ledger.maintenance.rebuild):
        with pytest.raises(SchemaError, match="9999, newer than"):
            action()
