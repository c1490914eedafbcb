"""Verbs that only read, where there is no ledger yet: they say so and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.cli.application import root
from provider.cli.diagnosis import diagnose
from provider.cli.invocation import Invocation
from provider.config.settings import DatabaseSettings, SandboxSettings, Settings
from provider.domain.errors import SchemaError, StoreUnavailable


@pytest.mark.parametrize(
    "arguments",
    [
        ["ps"],
        ["ps", "--as-of", "1"],
        ["history", "thread"],
        ["why", "thread"],
        ["events"],
        ["events", "--follow"],
        ["verify"],
        ["seal"],
        ["export"],
        ["what-if"],
        ["db", "check"],
        ["db", "current"],
        ["rebuild"],
        ["destroy", "thread"],
        ["bundle", "--since", "1h", "--output", "bundle.gz"],
        ["archive", "--before", "1h", "--output", "."],
        ["export", "--format", "bundle", "--output", "bundle.gz"],
    ],
    ids=" ".join,
)
def test_a_missing_ledger_is_named_and_not_made(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SANDBOX_LEDGER_CONFIG", raising=False)
    with pytest.raises(StoreUnavailable, match=f"database {tmp_path}/sandbox-ledger.db: no such file; .*db upgrade"):
        root.main(arguments, standalone_mode=False, obj=Invocation())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["ps"], ["ps", "--as-of", "1h"], ["events"], ["why", "thread"]], ids=" ".join)
def test_an_empty_database_is_not_filled_by_who_only_reads(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SANDBOX_LEDGER_CONFIG", raising=False)
    empty = tmp_path / "sandbox-ledger.db"
    empty.touch()
    with pytest.raises(SchemaError, match="is empty; run `sandbox-ledger db upgrade`"):
        root.main(arguments, standalone_mode=False, obj=Invocation())
    assert empty.read_bytes() == b""


def test_doctor_finds_no_ledger_and_makes_none(tmp_path: Path) -> None:
    missing = tmp_path / "ledger.db"
    database = DatabaseSettings(url=f"sqlite:///{missing}")
    findings = diagnose(Settings(database=database, sandbox=SandboxSettings(backend="process")))
    (found,) = (finding for finding in findings if finding.subject == "database")
    assert found.status == "warn"
    assert f"{missing} is not there yet" in found.message
    assert not missing.exists()
