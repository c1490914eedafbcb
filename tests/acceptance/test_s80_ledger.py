"""The ledger itself: S80, S81, and databases that cannot be trusted or understood."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from provider import StoreUnavailable, open_provider
from tests.support.acceptance.audit import Row
from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment
from tests.support.command_line import CommandLine

FORBIDDEN = [
    "UPDATE events SET actor = 'operator:mallory' WHERE position = 2",
    "UPDATE events SET position = 999 WHERE position = 2",
    "DELETE FROM events WHERE position = 2",
    "DELETE FROM events",
    "INSERT INTO events SELECT * FROM events WHERE position = 2",
]
FORBIDDEN_ON_SQLITE = [
    "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 2",
    "UPDATE OR REPLACE events SET position = 3 WHERE position = 2",
    "UPDATE OR REPLACE events SET version = 1 WHERE position = 2",
]
FORBIDDEN_ON_POSTGRES = [
    "TRUNCATE events",
    "TRUNCATE events CASCADE",
    "SET session_replication_role = replica; DELETE FROM events",
    "INSERT INTO events SELECT * FROM events WHERE position = 2 ON CONFLICT (position) DO UPDATE SET actor = 'x'",
]

DAMAGE = [
    "UPDATE events SET data = '{\"generation\": 1}' WHERE position = 5",
    "UPDATE events SET type = 'SandboxExploded' WHERE position = 5",
    "UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000Z' WHERE position = 5",
    "DELETE FROM events WHERE position = 4",
]


@pytest.fixture
def history(deployment: Deployment) -> Deployment:
    """Give a ledger with every kind of ordinary history in it."""
    worker, other = deployment.open_worker(), deployment.open_worker()
    crashed = worker.provider.acquire("crashed", user_id="alice")
    deployment.kill(crashed)
    worker.provider.ensure("crashed", user_id="alice")
    shared = worker.provider.acquire("shared", user_id="ünï")
    other.provider.acquire("shared", user_id="ünï")
    worker.provider.release(shared)
    worker.provider.destroy(other.provider.acquire())
    worker.provider.restart(shared)
    worker.backend.fail("create", RuntimeError("no"), times=1)
    with contextlib.suppress(Exception):
        worker.provider.acquire("failed")
    deployment.wait_for_removals()
    return deployment


@on("fake")
def test_s80_the_database_refuses_to_change_the_log(history: Deployment) -> None:
    before = history.audit.rows("SELECT * FROM events ORDER BY position")
    for statement in FORBIDDEN + (FORBIDDEN_ON_SQLITE if history.audit.is_sqlite else FORBIDDEN_ON_POSTGRES):
        with pytest.raises(DatabaseError):
            history.audit.execute(statement)
        assert history.audit.rows("SELECT * FROM events ORDER BY position") == before, statement


@on("fake")
def test_s80_the_refusal_says_why(history: Deployment) -> None:
    with pytest.raises(DatabaseError, match="events is append-only"):
        history.audit.execute("DELETE FROM events")


@on("fake")
def test_s81_projections_made_again_from_the_log_are_identical(history: Deployment, tmp_path: Path) -> None:
    cli = CommandLine(tmp_path, history.configuration())
    history.stop_workers()
    tables = _read(history)
    schema = history.audit.describe_schema()
    assert len(tables["sandboxes"]) == 4
    assert len(tables["generations"]) == 6
    history.audit.execute("DELETE FROM generations WHERE generation = 2")
    history.audit.execute("UPDATE sandboxes SET status = 'warm', holders = '[]', generation = 77")
    assert cli.run("db", "check").code == 1, "the damage is found"
    cli.read("rebuild")
    assert _read(history) == tables

    for table in tables:
        history.audit.execute(f"DROP TABLE {table}{'' if history.audit.is_sqlite else ' CASCADE'}")
    cli.read("rebuild")

    for rows in tables.values():
        for row in rows:
            if "last_activity_at" in row:
                row["last_activity_at"] = None  # no part of the log
    assert _read(history) == tables
    assert history.audit.describe_schema() == schema
    assert cli.read("db", "check")["problems"] == []


@on("fake")
def test_s81_a_running_worker_goes_on_after_a_rebuild(history: Deployment, tmp_path: Path) -> None:
    worker = history.open_worker()
    sandbox_id = worker.provider.acquire("crashed", user_id="alice")
    history.audit.execute("DELETE FROM sandboxes")
    CommandLine(tmp_path, history.configuration()).read("rebuild")

    assert worker.provider.acquire("crashed", user_id="alice") == sandbox_id
    worker.provider.release(sandbox_id)
    assert history.audit.types(sandbox_id)[-1] == "SandboxReleased"


@on("fake")
def test_a_database_of_a_newer_schema_is_refused_with_both_versions(history: Deployment) -> None:
    (known,) = history.audit.rows("SELECT version_num FROM alembic_version")
    history.audit.execute("UPDATE alembic_version SET version_num = '9999'")
    written = history.audit.count_events()

    with pytest.raises(StoreUnavailable, match=rf"9999, newer than {known['version_num']}"):
        open_provider(history.configuration())

    assert history.audit.count_events() == written
    history.audit.execute("UPDATE alembic_version SET version_num = :known", known=known["version_num"])


@pytest.mark.parametrize("damage", DAMAGE)
@on("fake")
def test_a_damaged_event_is_told_with_its_position(history: Deployment, tmp_path: Path, damage: str) -> None:
    history.is_tampered_with = True
    history.audit.allow_changes()
    history.audit.execute(damage)

    ran = CommandLine(tmp_path, history.configuration()).run("db", "check")

    assert ran.code == 1
    assert ran.error.startswith("event 5:")


@on("fake")
def test_nothing_is_made_from_a_damaged_log(history: Deployment, tmp_path: Path) -> None:
    history.is_tampered_with = True
    history.audit.allow_changes()
    history.audit.execute(DAMAGE[0])
    history.stop_workers()
    tables, cli = _read(history), CommandLine(tmp_path, history.configuration())

    for verb in ("rebuild", "events"):
        ran = cli.run(verb)
        assert (ran.code, ran.error.partition(":")[0]) == (1, "event 5")
    assert _read(history) == tables


def test_a_database_that_is_away_is_a_clear_error_without_its_password(tmp_path: Path) -> None:
    for url in (
        "postgresql+psycopg://someone:hunter2secret@127.0.0.1:1/ledger",
        f"sqlite:///{tmp_path}/a-file/ledger.db",
    ):
        (tmp_path / "a-file").touch()
        with pytest.raises(StoreUnavailable) as caught:
            open_provider({"database": {"url": url}, "sandbox": {"backend": "process"}})
        assert "hunter2secret" not in str(caught.value)
        assert "127.0.0.1" in str(caught.value) or "a-file" in str(caught.value)


def _read(deployment: Deployment) -> dict[str, list[Row]]:
    """Read the projections."""
    tables = ("sandboxes", "generations")
    return {table: deployment.audit.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
