"""One history for both databases: up, down and up again, as a script too, and equal to what the code expects."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from provider.domain.errors import SchemaError
from provider.store.database import open_database
from provider.store.migrate import (
    alembic_config,
    current_revision,
    downgrade,
    ensure_schema,
    head_revision,
    known_revisions,
    upgrade,
)
from provider.store.projections.rebuild import find_differences
from provider.store.tables import metadata
from tests.contract.store_support import append, assert_chained, born, died, execute, opened

ROOT = Path(__file__).parents[2]


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))


def table_names(engine: Engine) -> set[str]:
    return set(sqlalchemy.inspect(engine).get_table_names())


def test_the_history_is_one_line() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    revisions = list(scripts.walk_revisions())
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in revisions)
    assert [revision.revision for revision in reversed(revisions)] == [f"{n + 1:04}" for n in range(len(revisions))]


def test_the_names_of_the_files_say_what_alembic_reads_in_them() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert known_revisions() == {revision.revision for revision in scripts.walk_revisions()}
    assert head_revision() == scripts.get_current_head()


def test_up_down_and_up_again_with_data(bare_database_url: str) -> None:
    with opened(bare_database_url) as store:
        first = store.ledger_id
        append(store, *born())
        append(store, *died(store))
        assert find_differences(store.database) == []
        assert differences(store.database.engine) == []
        downgrade(store.database, "base")
        assert table_names(store.database.engine) <= {"alembic_version"}
    with opened(bare_database_url) as store:
        assert store.ledger_id != first
        assert uuid.UUID(store.ledger_id).version == 4
        assert list(store.read_all()) == []
        append(store, *born())
        assert_chained(list(store.read_all()))
        upgrade(store.database)
        assert store.head_position() == 4, "an upgrade of what is up to date changes nothing"


def test_the_first_revision_holds_what_was_written_before_each_later_one(bare_database_url: str) -> None:
    """Every step up is taken over data; a later revision that cannot is found here."""
    database = open_database(bare_database_url)
    scripts = ScriptDirectory.from_config(alembic_config())
    for revision in reversed(list(scripts.walk_revisions())):
        upgrade(database, revision.revision)
        assert current_revision(database) == revision.revision
    database.close()
    with opened(bare_database_url) as store:
        append(store, *born())


def offline_script(url: str) -> str:
    config = alembic_config()
    config.output_buffer = io.StringIO()
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head", sql=True)
    return config.output_buffer.getvalue()


def test_the_script_makes_a_working_ledger(bare_database_url: str) -> None:
    script = offline_script(bare_database_url)
    if bare_database_url.startswith("sqlite"):
        database = sqlite3.connect(bare_database_url.removeprefix("sqlite:///"))
        database.executescript(script)
        database.close()
    else:
        with psycopg.connect(bare_database_url.replace("+psycopg", "", 1), autocommit=True) as connection:
            connection.execute(script.encode())
    with opened(bare_database_url) as store:
        assert uuid.UUID(store.ledger_id).version == 4
        append(store, *born())
        assert_chained(list(store.read_all()))
        assert find_differences(store.database) == []
        assert differences(store.database.engine) == []


def test_a_foreign_schema_is_refused_with_both_versions_and_what_to_do(bare_database_url: str) -> None:
    head = head_revision()
    with opened(bare_database_url) as store:
        execute(store, "UPDATE alembic_version SET version_num = '9999'")
        for call in (ensure_schema, upgrade, lambda database: downgrade(database, "base")):
            with pytest.raises(SchemaError, match=f"is 9999, newer than {head}, .*install the version"):
                call(store.database)
        assert current_revision(store.database) == "9999"


def test_an_older_schema_is_refused_with_the_command_to_run(
    bare_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no older revision yet, so this version is given a newer one to need."""
    later = tmp_path / "later"
    (later / "versions").mkdir(parents=True)
    for source in [ROOT / "migrations" / "env.py", *(ROOT / "migrations" / "versions").glob("*.py")]:
        (later / source.relative_to(ROOT / "migrations")).write_text(source.read_text())
    head = head_revision()
    (later / "versions" / "9000_later.py").write_text(
        f'revision = "9000"\ndown_revision = "{head}"\ndef upgrade() -> None: ...\ndef downgrade() -> None: ...\n'
    )
    with opened(bare_sqlite_url) as store:
        append(store, *born())
        monkeypatch.setattr("provider.store.migrate.script_location", lambda: later)
        with pytest.raises(SchemaError, match=f"is {head}, older than 9000, .*run `sandbox-ledger db upgrade`"):
            ensure_schema(store.database)
        upgrade(store.database)
        ensure_schema(store.database)
        assert store.head_position() == 4


STARTER = """
import sys
from tests.contract.store_support import opened
sys.stdin.readline()
with opened(sys.argv[1]) as store:
    print(store.ledger_id)
"""


@pytest.mark.slow
def test_s30_ten_processes_migrate_an_empty_database_once(bare_database_url: str) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", STARTER, bare_database_url], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(10)
    ]  # fmt: skip
    answers = [starter.communicate("go\n", timeout=100) for starter in starters]
    assert [error for _, error in answers] == [""] * 10
    assert len({ledger_id for ledger_id, _ in answers}) == 1
    with opened(bare_database_url) as store:
        assert answers[0][0].strip() == store.ledger_id
        append(store, *born())


def run_alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command_line = [sys.executable, "-m", "alembic", "-x", f"url={url}", *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    return subprocess.run(command_line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_alembic_command_works_in_a_checkout(bare_sqlite_url: str) -> None:
    for arguments in (["upgrade", "head"], ["check"], ["current"], ["downgrade", "base"], ["upgrade", "head"]):
        done = run_alembic(bare_sqlite_url, *arguments)
        assert done.returncode == 0, done.stderr
    with opened(bare_sqlite_url) as store:
        append(store, *born())


def test_an_upgrade_over_a_configuration_of_its_own(bare_sqlite_url: str) -> None:
    """Whoever drives Alembic by its own API needs only the place of the migrations and the URL."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", bare_sqlite_url)
    command.upgrade(config, "head")
    command.check(config)
    with opened(bare_sqlite_url) as store:
        append(store, *born())
