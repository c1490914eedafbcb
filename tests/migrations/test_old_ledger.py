"""Ledgers that an earlier commit left open, verify, answer as they did, and go on (tests/fixtures/ledger-84700ee)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from provider import open_provider
from provider.domain.ids import derive_sandbox_id
from provider.testing import FakeBackend

FIXTURE = Path(__file__).parents[1] / "fixtures" / "ledger-84700ee"
SEAL_KEY = "a key for tests, 32 characters at least"
TABLES = ("sandboxes", "generations")
TYPES = frozenset({
    "CrashLoopCleared", "CrashLoopEntered", "EvidenceCollected", "ExtractOpened", "LedgerSealed", "LogArchived",
    "OperatorActionCompleted", "OperatorActionRequested", "OrphanAdopted", "OrphanRemoved", "SandboxAcquired",
    "SandboxCreateFailed", "SandboxCreating", "SandboxDestroyed", "SandboxDestroyFailed", "SandboxDied",
    "SandboxEvicted", "SandboxReady", "SandboxReleased", "SandboxStarted", "SweepCompleted", "WorkerLost",
    "WorkerStarted", "WorkerStopped",
})  # fmt: skip
COMMANDS = """
import contextlib, io, json, sys
from provider.cli.application import run
answers = []
for arguments in json.load(sys.stdin):
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(output):
        code = run(["-o", "json", *arguments])
    answers.append([code, output.buffer.getvalue().decode()])
json.dump(answers, sys.stdout)
"""


@dataclass
class OldLedger:
    """An unpacked ledger, and its operator, who upgrades it."""

    url: str
    config: Path
    expected: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def unpack(cls, url: str, directory: Path, answers: str = "") -> OldLedger:
        config = directory / "config.yaml"
        config.write_text(json.dumps({
            "database": {"url": url}, "sandbox": {"backend": "process"}, "sweeper": {"enabled": False},
            "audit": {"seal_interval": 0, "seal_key": SEAL_KEY},
        }))  # fmt: skip
        expected = json.loads(gzip.decompress((FIXTURE / answers).read_bytes())) if answers else {}
        return cls(url, config, expected)

    def ask(self, *commands: Sequence[str]) -> list[Any]:
        """Upgrade, then run verbs of the command line; each must end well. Return their documents."""
        all_commands = [["db", "upgrade"], *commands]
        lines = json.dumps([["--config", str(self.config), *command] for command in all_commands])
        program = [sys.executable, "-c", COMMANDS]
        done = subprocess.run(program, input=lines, capture_output=True, text=True, check=True)
        answers = json.loads(done.stdout)
        assert [code for code, _ in answers] == [0] * len(all_commands), done.stderr
        return [json.loads(document) for _, document in answers[1:]]

    def read(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(query))]
        engine.dispose()
        return rows

    def tables(self) -> dict[str, list[str]]:
        """Read the projections, every column of every row."""
        return {table: sorted(map(repr, self.read(f"SELECT * FROM {table}"))) for table in TABLES}


def unpack(name: str, path: Path) -> str:
    path.write_bytes(gzip.decompress((FIXTURE / f"{name}.db.gz").read_bytes()))
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> OldLedger:
    """Return the ledger on each database."""
    if request.param == "sqlite":
        url = unpack("ledger", tmp_path / "ledger.db")
    else:
        url = request.getfixturevalue("bare_postgres_url")
        with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
            connection.execute(gzip.decompress((FIXTURE / "ledger.sql.gz").read_bytes()))
    return OldLedger.unpack(url, tmp_path, f"expected-{request.param}.json.gz")


def is_answered(old: Any, new: Any) -> bool:
    """Whether everything that was answered before is still answered so; more may be said."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and is_answered(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(is_answered, old, new))
    return bool(old == new)


def test_it_verifies(old: OldLedger) -> None:
    report, check = old.ask(["verify", "--tables"], ["db", "check"])
    assert report["problems"] == []
    assert report["recorded_seals"] == 2
    assert report["end"]["position"] == old.expected["head"]
    assert check["problems"] == []
    assert old.read("SELECT * FROM v_violations") == []


def test_rebuild_gives_the_same_projections(old: OldLedger) -> None:
    old.ask()
    before = old.tables()
    assert all(before.values())
    old.ask(["rebuild"])
    assert old.tables() == before


def test_everything_is_answered_as_it_was(old: OldLedger) -> None:
    expected = old.expected
    ids, positions = list(expected["history"]), list(expected["as_of"])
    (ps, *others) = old.ask(
        ["ps", "--all"],
        *(["history", one] for one in ids),
        *(["why", one] for one in ids),
        *(["ps", "--all", "--as-of", position] for position in positions),
    )
    assert is_answered(expected["ps"], ps)
    wanted = [expected[verb][one] for verb in ("history", "why") for one in ids]
    wanted += [expected["as_of"][position] for position in positions]
    for before, now in zip(wanted, others, strict=True):
        assert is_answered(before, now)


def test_life_goes_on(old: OldLedger) -> None:
    old.ask()
    ledger_id = old.read("SELECT ledger_id FROM ledger_head")[0][0]
    engine = FakeBackend(str(ledger_id))
    settings = {"database": {"url": old.url}, "sandbox": {"replicas": 50}, "sweeper": {"enabled": False}}
    with open_provider(settings, backend=engine) as worker:
        again = worker.ensure("crashes", user_id="alice")
        generation = again.generation
        assert again.id == derive_sandbox_id("alice", "crashes")
        assert generation > 1
        engine.kill(again.id)
        assert worker.get(again.id) is None
        assert worker.ensure("crashes", user_id="alice").generation == generation + 1
        worker.release(worker.acquire("new", user_id="alice"))
        worker.sweep()
    report, check, _, sealed = old.ask(["verify", "--tables"], ["db", "check"], ["rebuild"], ["verify", "--tables"])
    assert report["end"]["position"] > old.expected["head"]
    assert report["problems"] == check["problems"] == sealed["problems"] == []


def test_its_extract_opens_and_its_bundles_are_imported(tmp_path: Path) -> None:
    (tmp_path / "extract").mkdir()
    extract = OldLedger.unpack(unpack("extract", tmp_path / "extract" / "ledger.db"), tmp_path / "extract")
    verified, history = extract.ask(["verify", "--tables"], ["history", "crashes", "--user", "alice"])
    assert verified["problems"] == []
    assert history["sandbox"]["thread_id"] == "crashes"
    fresh = OldLedger.unpack(f"sqlite:///{tmp_path / 'imported.db'}", tmp_path)
    bundles = sorted(FIXTURE.glob("*.ndjson.gz"))
    assert len(bundles) == 2
    _, again = fresh.ask(["import", *map(str, bundles)], ["verify", "--tables"])
    assert again["problems"] == []
    assert again["end"]["position"] == 19


def test_nothing_that_was_recorded_then_is_missing_in_the_fixture(tmp_path: Path) -> None:
    found: set[str] = set()
    for name in ("ledger", "extract"):
        url = unpack(name, tmp_path / f"{name}.db")
        found |= {kind for (kind,) in OldLedger(url, tmp_path).read("SELECT DISTINCT type FROM events")}
    assert found == TYPES
