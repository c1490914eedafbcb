"""S109: what the ledger keeps on disk is readable by its owner only, whatever the umask; a looser file is reported."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provider import open_provider
from tests.support.command_line import CommandLine


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A command line whose ledger's file is in a directory of this user's own."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return CommandLine(tmp_path, settings_with(allow_unsafe=[]))


def settings_with(**security: Any) -> dict[str, dict[str, Any]]:
    sandbox = {"backend": "process", "security": security}
    return {"database": {"url": "sqlite:///ledger.db"}, "sandbox": sandbox}


def loose_below(directory: Path) -> list[str]:
    """List what others than the owner may open, outside of the sandboxes' own directories."""
    found = [one for one in directory.rglob("*") if "root" not in one.relative_to(directory).parts]
    return [f"{one} {stat.filemode(one.stat().st_mode)}" for one in found if one.stat().st_mode & 0o077]


def test_s109_files_of_a_ledger_are_private(cli: CommandLine, tmp_path: Path) -> None:
    with open_provider(cli.config) as provider:
        sandbox = provider.ensure("thread-1")
        assert sandbox.execute_command("echo here").output == "here\n"
        assert {"ledger.db", "ledger.db.lock"} <= {one.name for one in tmp_path.glob("ledger.db*")}
        assert [one for one in loose_below(tmp_path) if "/ledger.db" in one] == []
        assert stat.S_IMODE((tmp_path / "state" / "sandbox-ledger").stat().st_mode) == 0o700
        provider.destroy(sandbox.id)


def test_s109_a_bundle_is_private(cli: CommandLine, tmp_path: Path) -> None:
    with open_provider(cli.config) as provider:
        provider.destroy(provider.acquire("thread-1"))
    bundle = tmp_path / "log.ledger"
    ran = cli.run("export", "--format", "bundle", "--output", str(bundle))
    assert ran.code == 0, ran.stderr
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_s109_doctor_names_a_file_that_others_may_open(cli: CommandLine, tmp_path: Path) -> None:
    with open_provider(cli.config):
        pass
    file = tmp_path / "ledger.db"
    assert not [one for one in doctor(cli) if one["subject"] == "files"]
    file.chmod(0o644)
    (found,) = [one for one in doctor(cli) if one["subject"] == "files"]
    assert found["status"] == "warn"
    assert f"chmod 600 {file}" in found["message"]


def test_doctor_shows_what_allow_unsafe_lets_through(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path, settings_with(seccomp="unconfined", allow_unsafe=["sandbox.security.seccomp"]))
    (found,) = [one for one in doctor(cli) if one["status"] == "unsafe"]
    assert found["subject"] == "sandbox.security.seccomp"


def doctor(cli: CommandLine) -> list[dict[str, str]]:
    findings: list[dict[str, str]] = cli.run("-o", "json", "doctor").document
    return findings
