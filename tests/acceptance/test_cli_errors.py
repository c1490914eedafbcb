"""What goes wrong at the command line: one line on stderr, nothing on stdout, and the exit code that says which."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

UNKNOWN = "0123456789abcdef"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": {"backend": "process"}})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing command"),
        (("sweeep",), "No such command"),
        (("db",), "Missing command"),
        (("exec", "thread"), "Missing argument"),
        (("events", "--type", "Nonsense"), "is no event"),
        (("ps", "--status", "asleep"), "is not one of"),
        (("history", "bad\x1b[2Jthread"), "contains a control character"),
        (("-o", "json", "demo"), "no JSON output"),
    ],
)
def test_wrong_use_is_2(cli: CommandLine, arguments: tuple[str, ...], words: str) -> None:
    assert cli.run("db", "upgrade").code == 0
    ran = cli.run(*arguments)
    assert (ran.code, ran.stdout) == (2, "")
    assert words in ran.error


def test_a_bad_configuration_is_2(cli: CommandLine) -> None:
    cli.config.write_text("sandbox: {backend: procces}\n")
    ran = cli.run("ps")
    assert ran.code == 2
    assert "sandbox.backend" in ran.error


@pytest.mark.parametrize("verb", ["history", "why", "release", "destroy", "restart"])
def test_an_unknown_id_is_3(cli: CommandLine, verb: str) -> None:
    assert cli.run("db", "upgrade").code == 0
    ran = cli.run(verb, UNKNOWN)
    assert (ran.code, ran.stdout) == (3, "")
    assert f"sandbox {UNKNOWN}: not in the ledger" in ran.error


def test_an_unknown_id_is_no_new_thread(cli: CommandLine) -> None:
    assert cli.run("exec", UNKNOWN, "--", "true").code == 3
    assert cli.read("ps", "--all") == []


def test_a_ledger_that_is_not_there_is_5_for_who_only_reads(cli: CommandLine) -> None:
    ran = cli.run("ps")
    assert (ran.code, ran.stdout) == (5, "")
    assert "ledger.db: no such file" in ran.error
    assert not (cli.config.parent / "ledger.db").exists()


def test_a_newer_schema_is_5(cli: CommandLine) -> None:
    assert cli.run("db", "upgrade").code == 0
    with sqlite3.connect(cli.config.parent / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for arguments in (("ps",), ("db", "upgrade"), ("db", "check"), ("acquire", "thread")):
        ran = cli.run(*arguments)
        assert ran.code == 5
        assert "newer than" in ran.error
    assert {"subject": "schema", "status": "fail"}.items() <= cli.run("-o", "json", "doctor").document[3].items()


def test_a_database_that_does_not_answer_is_5(cli: CommandLine, tmp_path: Path) -> None:
    nowhere = f"postgresql://user:hidden-word@127.0.0.1:1/{tmp_path.name}"
    stopped = CommandLine(tmp_path, {"database": {"url": nowhere}, "sandbox": {"backend": "process"}})
    ran = stopped.run("ps")
    assert ran.code == 5
    assert "hidden-word" not in ran.error
    assert stopped.run("doctor").code == 1


def test_an_engine_that_does_not_answer_is_5(tmp_path: Path) -> None:
    engine = f"unix://{tmp_path}/no.sock"
    cli = CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": {"engine": engine}})
    ran = cli.run("acquire", "thread")
    assert (ran.code, ran.stdout) == (5, "")
    assert engine in ran.error
    refused = cli.run("up", "--no-follow")
    assert refused.code == 5
    assert "up --or-process" in refused.stderr.splitlines()[-1]


def test_an_altered_log_is_1(cli: CommandLine) -> None:
    cli.run("acquire", "thread")
    with sqlite3.connect(cli.config.parent / "ledger.db") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET actor = 'somebody else' WHERE position = 2")
    connection.close()
    for arguments in (("db", "check"), ("history", "thread")):
        ran = cli.run(*arguments)
        assert ran.code == 1
        assert "event 2" in ran.error
    cli.run("destroy", "thread")


def test_a_reader_that_goes_away_is_no_error(cli: CommandLine) -> None:
    cli.run("acquire", "thread")
    with cli.start("events", "--follow") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        cli.run("destroy", "thread")  # the next event finds nobody
        assert process.wait(timeout=60) == 128 + signal.SIGPIPE
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_is_quiet_and_leaves_no_hold(cli: CommandLine, number: signal.Signals, code: int) -> None:
    cli.run("acquire", "thread")
    with cli.start("exec", "thread", "--", "echo $$ > started; sleep 60") as process:
        with cli.start("events", "--follow", "--type", "SandboxAcquired") as follower:
            assert follower.stdout is not None
            follower.stdout.readline()
            follower.stdout.readline()  # the hold of the first command, then that of the second
            process.send_signal(number)
            assert process.wait(timeout=60) == code
            follower.terminate()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    (record,) = cli.read("ps")
    assert record["holders"] == []
    cli.run("destroy", "thread")


def test_an_order_that_fails_is_a_failure_and_on_record(cli: CommandLine, tmp_path: Path) -> None:
    sandbox_id = cli.run("acquire", "thread").stdout.strip()
    away = {"backend": "docker", "engine": f"unix://{tmp_path}/nobody.sock"}
    elsewhere = CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": away})
    ran = elsewhere.run("restart", sandbox_id)
    assert (ran.code, ran.stdout) == (5, "")
    assert "nobody.sock" in ran.error
    (line,) = cli.run("-o", "json", "events", "--type", "OperatorActionCompleted").stdout.splitlines()
    assert json.loads(line)["data"]["outcome"] == "failed"
    # What the process backend started is still its own to remove.
    home = CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": {"backend": "process"}})
    assert home.run("sweep").code == 0
