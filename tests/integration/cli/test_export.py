"""Exports over the command line: chosen, checked, and in a file whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provider.domain.log import format_timestamp
from provider.reading.documents import event_document
from tests.contract.store_support import tamper
from tests.integration.cli.ledger import Ledger
from tests.support.command_line import CommandLine


@pytest.fixture
def cli(ledger: Ledger, tmp_path: Path) -> CommandLine:
    """Give the command line on a ledger in which one sandbox crashed and another one lives."""
    ledger.crash(ledger.start("one", "alice"))
    ledger.start("two", "=bob")
    return CommandLine(tmp_path, {"database": {"url": ledger.settings.database.url}})


def exported(cli: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    ran = cli.run("export", *arguments)
    assert (ran.code, ran.stderr) == (0, "")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_every_event_in_every_form(cli: CommandLine, ledger: Ledger) -> None:
    documents = [event_document(one) for one in ledger.store.read_all()]
    assert exported(cli) == documents
    rows = list(csv.DictReader(io.StringIO(cli.run("export", "--format", "csv").stdout)))
    assert [json.loads(row["data"]) for row in rows] == [document["data"] for document in documents]
    assert [row["hash"] for row in rows] == [document["hash"] for document in documents]


def test_events_are_chosen(cli: CommandLine, ledger: Ledger) -> None:
    log = list(ledger.store.read_all())
    one = ledger.insights.get("one", "alice").sandbox_id
    mine = [recorded.position for recorded in log if recorded.stream == f"sandbox:{one}"]

    def positions(*arguments: str) -> list[int]:
        return [document["position"] for document in exported(cli, *arguments)]

    assert positions("--sandbox", one) == positions("--sandbox", one[:6]) == mine
    assert positions("--sandbox", "one", "--user", "alice") == mine
    assert positions("--sandbox", one, "--after", "3", "--type", "SandboxEvicted") == [
        recorded.position for recorded in log if recorded.event.type == "SandboxEvicted"
    ]
    middle = format_timestamp(log[5].recorded_at)
    assert positions("--since", middle) + positions("--until", middle) == [
        *range(positions("--since", middle)[0], len(log) + 1), *range(1, positions("--since", middle)[0]),
    ]  # fmt: skip
    late = format_timestamp(log[-1].recorded_at + timedelta(days=1))
    assert positions("--since", late) == []
    assert positions("--until", late) == [recorded.position for recorded in log]


def test_a_file_is_written_whole_and_not_replaced(cli: CommandLine, ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "out" / "log.ndjson"
    assert "No such file or directory" in cli.run("export", "--output", str(path)).error
    path.parent.mkdir()
    count = ledger.store.head_position()
    assert cli.read("export", "--output", str(path)) == {"events": count, "output": str(path)}
    assert [json.loads(line)["position"] for line in path.read_text().splitlines()] == list(range(1, count + 1))
    assert path.stat().st_mode & 0o077 == 0

    path.write_text("mine")
    refused = cli.run("export", "--output", str(path))
    assert (refused.code, path.read_text()) == (1, "mine")
    assert "is there already" in refused.error
    assert cli.run("export", "--format", "csv", "--force", "--output", str(path)).stdout == (
        f"wrote {count} events to {path}\n"
    )
    assert list(path.parent.iterdir()) == [path]


def test_an_altered_log_is_reported_and_leaves_no_file(cli: CommandLine, ledger: Ledger, tmp_path: Path) -> None:
    tamper(ledger.store, "UPDATE events SET actor = 'operator:eve' WHERE position = 4")
    path = tmp_path / "log.csv"
    ran = cli.run("export", "--format", "csv", "--output", str(path))
    assert (ran.code, ran.stdout) == (1, "")
    assert "event 4:" in ran.error
    assert list(tmp_path.glob("*log.csv*")) == []


def test_a_disk_that_is_full_leaves_no_file(cli: CommandLine, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    path = tmp_path / "log.ndjson"
    limited = subprocess.run(
        [sys.executable, "-m", "provider.cli", "--config", str(cli.config), "export", "--output", str(path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert limited.returncode == 1, limited.stderr
    assert f"file {path}: File too large" in limited.stderr
    assert list(tmp_path.glob("*log.ndjson*")) == []


def test_wrong_use(cli: CommandLine) -> None:
    assert cli.run("export", "--user", "alice").code == 2
    assert cli.run("export", "--type", "Nonsense").code == 2
    assert cli.run("export", "--sandbox", "nobody").code == 3
