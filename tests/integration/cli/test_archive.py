"""Archive and import over the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.cli.ledger import Ledger
from tests.support.command_line import CommandLine

KEY = "a key of more than sixteen characters"


@pytest.fixture
def cli(ledger: Ledger, tmp_path: Path) -> CommandLine:
    """Give the command line, with a seal key, on a ledger in which one sandbox crashed and another one lives."""
    ledger.crash(ledger.start("one", "alice"))
    ledger.start("two", "bob")
    url = ledger.settings.database.url
    return CommandLine(tmp_path, {"database": {"url": url}, "audit": {"seal_key": KEY}})


def copy_of(directory: Path) -> CommandLine:
    directory.mkdir()
    url = f"sqlite:///{directory / 'copy.db'}"
    return CommandLine(directory, {"database": {"url": url}, "audit": {"seal_key": KEY}})


def test_a_log_is_archived_and_the_rest_says_where_it_is(cli: CommandLine, tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    done = cli.read("archive", "--before", "6", "--output", str(archives))
    assert (done["pruned"], done["base"]["position"]) == (5, 5)
    (bundle,) = archives.iterdir()
    assert done["bundles"] == [bundle.name]
    again = cli.run("archive", "--before", "90d", "--output", str(archives))
    assert again.stdout == "nothing to archive; the log in the database begins behind event 5\n"
    told = cli.run("history", "one", "--user", "alice")
    assert f"5 earlier events are in archive {bundle.name}" in told.stdout
    assert f"5 earlier events are in archive {bundle.name}." in cli.run("why", "one", "--user", "alice").stdout
    assert cli.read("verify")["problems"] == []
    rest = cli.run("export", "--after", "2")
    assert json.loads(rest.stdout.splitlines()[0])["position"] == 6
    assert rest.error == f"events up to 5 are in archive {bundle.name}, not in this export"


def test_an_archive_and_the_rest_are_imported(cli: CommandLine, ledger: Ledger, tmp_path: Path) -> None:
    log, rest = list(ledger.store.read_all()), tmp_path / "rest.bundle"
    (name,) = cli.read("archive", "--before", "6", "--output", str(tmp_path / "archives"))["bundles"]
    assert cli.read("export", "--format", "bundle", "--output", str(rest))["events"] == len(log) + 1 - 5
    copy = copy_of(tmp_path / "copy")
    bundles = (str(rest), str(tmp_path / "archives" / name))
    imported = copy.read("import", *bundles)
    assert imported == {"ledger_id": ledger.store.ledger_id, "events": len(log) + 1, "unproven": []}
    lines = copy.run("-o", "json", "events").stdout.splitlines()
    assert [json.loads(line)["hash"] for line in lines][: len(log)] == [recorded.hash for recorded in log]
    refused = copy.run("import", *bundles)
    assert (refused.code, refused.stdout) == (1, "")
    assert "is imported into an empty ledger only" in refused.error


def test_a_damaged_bundle_is_one_line_and_nothing_is_imported(cli: CommandLine, tmp_path: Path) -> None:
    rest = tmp_path / "rest.bundle"
    cli.read("export", "--format", "bundle", "--output", str(rest))
    rest.write_bytes(rest.read_bytes()[:-20])
    copy = copy_of(tmp_path / "copy")
    refused = copy.run("import", str(rest))
    assert (refused.code, refused.stdout) == (1, "")
    assert "cut off" in refused.error
    assert copy.run("events").stdout == ""


def test_wrong_use(cli: CommandLine, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert cli.run("archive", "--before", "soon", "--output", str(tmp_path)).code == 2
    assert cli.run("import", nowhere).code == 2
    assert cli.run("export", "--format", "bundle", "--output", nowhere, "--since", "1h").code == 2
