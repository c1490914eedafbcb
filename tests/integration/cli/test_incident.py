"""An incident over the command line: into a file, and opened elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.ledger import Ledger
from tests.support.command_line import CommandLine


@pytest.fixture
def cli(ledger: Ledger, tmp_path: Path) -> CommandLine:
    """Give the command line on a ledger in which one sandbox crashed and another one lives."""
    ledger.crash(ledger.start("one", "alice"))
    ledger.start("two", "bob")
    return CommandLine(tmp_path, {"database": {"url": ledger.settings.database.url}})


def test_an_incident_is_opened_and_explained_elsewhere(cli: CommandLine, ledger: Ledger, tmp_path: Path) -> None:
    bundle, shown = tmp_path / "incident.bundle", tmp_path / "shown"
    written = cli.read("bundle", "--sandbox", "one", "--user", "alice", "--output", str(bundle))
    history = ledger.insights.history(ledger.insights.get("one", "alice").sandbox_id)
    assert written["events"] == len(history)
    shown.mkdir()  # an empty directory will do
    opened = cli.run("open", str(bundle), "--output", str(shown))
    assert opened.stdout.startswith(f"{len(history)} events of ledger {ledger.store.ledger_id}; look at them with\n")
    assert "nothing proves who made it" in opened.error

    configuration = (shown / "config.yaml").read_text()
    there = CommandLine(shown, {})
    there.config.write_text(configuration)  # as `open` left it
    assert "Exit code 137" in there.run("why", "one", "--user", "alice").stdout
    assert [one["user_id"] for one in there.read("ps", "--all")] == ["alice"]
    assert there.read("verify")["problems"] == []
    refused = there.run("acquire", "three")
    assert refused.code != 0
    assert "is a copy for reading" in refused.error
    again = cli.run("open", str(bundle), "--output", str(shown))
    assert (again.code, again.stdout) == (1, "")


def test_wrong_use(cli: CommandLine, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert cli.run("bundle", "--output", nowhere).code == 2
    assert cli.run("bundle", "--sandbox", "nobody", "--output", nowhere).code == 3
    assert cli.run("open", nowhere, "--output", nowhere).code == 2
