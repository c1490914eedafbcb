from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

import provider
from provider.cli.application import VERBS, locate, root
from provider.cli.options import read_time
from provider.cli.verbs.events import command as events

HEAVY = ("alembic", "docker", "httpx", "rich", "sqlalchemy", "yaml")
PACKAGE = Path(provider.__file__).parent

# The package `provider` itself stands empty here: what it imports is its own business.
LIST_VERBS = """
import sys, types
package = sys.modules["provider"] = types.ModuleType("provider")
package.__path__ = [sys.argv[1]]
from provider.cli.application import run
code = run(["--help"])
sys.exit(code or ", ".join(name for name in sys.argv[2:] if name in sys.modules) or None)
"""


def test_every_module_of_a_verb_is_registered() -> None:
    modules = {path.stem for path in (PACKAGE / "cli" / "verbs").glob("*.py")} - {"__init__"}
    assert modules == {locate(name)[0] for name in VERBS}


def test_each_verb_answers_to_its_name() -> None:
    context = click.Context(root)
    found = {name: root.get_command(context, name) for name in VERBS}
    assert [command.name for command in found.values() if command is not None] == list(VERBS)


def test_help_imports_no_database_no_engine_and_no_http_client() -> None:
    command = [sys.executable, "-c", LIST_VERBS, str(PACKAGE), *HEAVY]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_help_tells_verbs_and_exit_codes() -> None:
    context = click.Context(root, info_name="sandbox-ledger")
    text = root.get_help(context)
    assert "5 store or engine unavailable" in text
    assert all(f"\n  {verb} " in text for verb in VERBS)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("90s", timedelta(seconds=90)),
        ("1.5h", timedelta(hours=1.5)),
        ("2d", timedelta(days=2)),
        ("2026-07-30T12:00:00Z", datetime(2026, 7, 30, 12, tzinfo=UTC)),
        ("2026-07-30", datetime(2026, 7, 30, tzinfo=UTC)),
        ("2026-07-30T14:00:00+02:00", datetime(2026, 7, 30, 12, tzinfo=UTC)),
    ],
)
def test_since_is_a_moment_or_an_age(text: str, meaning: datetime | timedelta) -> None:
    assert read_time(click.Context(events), events.params[0], text) == meaning


@pytest.mark.parametrize("text", ["yesterday", "-3h", "s", "", "1e9d", "99999999999999999d"])
def test_another_since_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="give 2026"):
        read_time(click.Context(events), events.params[0], text)
