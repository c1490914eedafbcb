"""A log that was tampered with is told by `verify`, with positions and exit code 1, and a kept seal proves the rest."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from provider import open_provider
from provider.store.engine import create_engine
from provider.testing import FakeBackend
from tests.support.command_line import CommandLine

KEY = "a secret of this test: 0123456789abcdef"


class Site:
    """A ledger with a short history, its command line, and a database console without guards."""

    def __init__(self, directory: Path, url: str, **audit: object) -> None:
        self.settings: dict[str, dict[str, Any]] = {
            "database": {"url": url},
            "sweeper": {"enabled": False},
            "audit": audit,
        }
        self.url = url
        self.command_line = CommandLine(directory, self.settings)
        self.live(user="alice")

    def live(self, user: str) -> None:
        """Let one sandbox of a user live and be destroyed."""
        with open_provider(self.settings, backend=FakeBackend("here")) as worker:
            worker.destroy(worker.acquire("thread", user_id=user))

    def tamper(self, *statements: str) -> None:
        """Change what nobody may, and put the guards back, so that nothing is missed."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
                without, again = [f"DROP TRIGGER {name}" for name, _ in found], [sql for _, sql in found]
            else:
                guards = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
                without = ["ALTER TABLE events DISABLE TRIGGER ALL"]
                again = [
                    f"ALTER TABLE events ENABLE ALWAYS TRIGGER {name}"
                    for name in connection.exec_driver_sql(guards).scalars()
                ]
            for statement in [*without, *statements, *again]:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def cut_off(self, last: int) -> None:
        """Cut off the log's end and leave nothing in the other tables that tells of it."""
        head = "position, hash, recorded_at"
        self.tamper(
            f"DELETE FROM events WHERE position > {last}",
            f"UPDATE ledger_head SET ({head}) = (SELECT {head} FROM events WHERE position = {last})",
        )
        assert self.command_line.run("rebuild").code == 0


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Site:
    return Site(tmp_path, database_url, seal_key=KEY)


def test_a_kept_seal_finds_an_end_that_was_cut_off_without_a_trace(site: Site, tmp_path: Path) -> None:
    run = site.command_line.run
    sealed = run("seal")
    assert (sealed.code, sealed.stderr) == (0, "")
    (line,) = sealed.stdout.splitlines()
    assert run("seal").stdout == sealed.stdout
    kept = tmp_path / "seals.txt"
    kept.write_text(line + "\n\n")
    position = json.loads(line)["position"]
    whole = run("verify", "--seal", str(kept), "--tables")
    assert (whole.code, whole.stderr) == (0, "")
    assert whole.stdout.endswith("1 kept: whole\n")
    site.cut_off(3)
    (tmp_path / "state").rename(tmp_path / "another-host")
    assert run("verify").code == 0
    (tmp_path / "another-host").rename(tmp_path / "state")
    assert run("verify").code == 1
    found = run("-o", "json", "verify", "--seal", str(kept))
    assert found.code == 1
    (problem,) = found.document["problems"]
    assert (problem["position"], problem["rule"]) == (4, "truncated")
    assert found.document["problem_count"] == 1
    assert position > 4
    assert KEY not in sealed.stdout + found.stdout + whole.stdout


def test_every_tampered_event_is_named_and_nothing_is_changed(site: Site) -> None:
    site.tamper("UPDATE events SET actor = 'operator:mallory' WHERE position IN (2, 4)")
    first, second = (site.command_line.run("verify") for _ in range(2))
    assert (first.code, first.stderr) == (1, "")
    *problems, note, _ = first.stdout.splitlines()
    assert [line.split(":")[:2] for line in problems] == [["event 2", " content"], ["event 4", " content"]]
    assert note.startswith("note: the tables were not compared with the log")
    assert first.stdout.endswith("2 PROBLEMS\n")
    assert second.stdout == first.stdout


def test_only_the_rest_is_walked_when_asked_and_it_says_so(site: Site) -> None:
    read = site.command_line.read
    assert read("verify", "--since-last-seal")["start"]["kind"] == "beginning"
    site.command_line.run("seal")
    report = read("verify", "--since-last-seal")
    assert (report["start"]["kind"], report["events"]) == ("seal", 1)
    assert "what is before that seal was not read" in site.command_line.run("verify", "--since-last-seal").stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no seal in it"),
        (b"\n  \n", "there is no seal in it"),
        (b"{}", "line 1 has unexpected or missing fields"),
        (b"\xff\xfe", "cannot be read"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_seal_is_wrong_use(tmp_path: Path, content: bytes | None, told: str) -> None:
    command_line = CommandLine(tmp_path, {"database": {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}})
    file = tmp_path / "seals.txt"
    if content is not None:
        file.write_bytes(content)
    ran = command_line.run("verify", "--seal", str(file))
    assert (ran.code, ran.stdout) == (2, "")
    assert told in ran.error
    assert not (tmp_path / "ledger.db").exists()


def test_a_seal_comes_from_stdin_too_and_that_of_another_ledger_is_refused(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    line = Site(other, f"sqlite:///{other / 'ledger.db'}", seal_key=KEY).command_line.run("seal").stdout
    ran = site.command_line.run("-o", "json", "verify", "--seal", "-", input_text=line)
    assert ran.code == 1
    assert [one["rule"] for one in ran.document["problems"]] == ["kept_seal"]


def test_a_database_that_is_none_or_not_there_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    command_line = CommandLine(tmp_path, {"database": {"url": f"sqlite:///{path}"}})
    path.write_bytes(b"no database at all, but something that is long enough to look like one" * 20)
    before = path.read_bytes()
    ran = command_line.run("verify")
    assert (ran.code, ran.stdout) == (5, "")
    assert "not a database" in ran.error
    assert path.read_bytes() == before
    path.unlink()
    ran = command_line.run("verify")
    assert (ran.code, ran.stdout) == (5, "")
    assert "no such file" in ran.error
    assert not path.exists()


def test_an_empty_log_is_whole_and_has_nothing_to_seal(tmp_path: Path, database_url: str) -> None:
    command_line = CommandLine(tmp_path, {"database": {"url": database_url}})
    assert command_line.run("db", "upgrade").code == 0
    assert command_line.run("verify", "--tables").code == 0
    ran = command_line.run("seal")
    assert (ran.code, ran.error) == (1, "the log is empty: there is nothing to seal")


def test_a_terminal_shows_a_bar_and_a_pipe_shows_nothing(site: Site) -> None:
    master, slave = os.openpty()
    with site.command_line.start("verify", stderr=slave) as process:
        os.close(slave)
        shown = b"".join(iter(lambda: _read(master), b""))
        assert process.stdout is not None
        assert process.stdout.read().endswith("whole\n")
    os.close(master)
    assert process.returncode == 0
    plain = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown)
    assert re.search(rb"verifying .* (\d+)/\1 events", plain), plain
    assert site.command_line.run("verify").stderr == ""


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
