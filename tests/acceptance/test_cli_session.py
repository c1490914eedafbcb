"""A session at the command line, on the process backend and on Docker: a sandbox lives, dies, and is asked why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider.domain.ids import derive_sandbox_id
from tests.support.command_line import CommandLine
from tests.support.docker_engine import EngineAddress

THREAD = "[red]thread[/]"
KILL = "kill -KILL $PPID; kill -TERM $PPID"


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> Iterator[CommandLine]:
    made = CommandLine(tmp_path, {"database": {"url": database_url}, "sandbox": {"backend": "process"}})
    yield made
    for record in made.read("ps"):
        made.run("destroy", record["sandbox_id"])


def test_a_sandbox_lives_dies_and_is_explained(cli: CommandLine) -> None:
    sandbox_id = cli.run("acquire", THREAD, "--user", "alice").stdout.strip()
    assert sandbox_id == derive_sandbox_id("alice", THREAD)
    (record,) = cli.read("ps")
    assert (record["status"], record["holders"], record["thread_id"]) == ("warm", [], THREAD)

    ran = cli.run("exec", THREAD, "--user", "alice", "--", "sh", "-c", "printf 'a b'; exit 7")
    assert (ran.code, ran.stdout, ran.stderr) == (7, "a b", "")
    assert cli.run("exec", sandbox_id, "--", KILL).code != 0

    again = cli.run("exec", sandbox_id[:8], "--", "echo $HOME | wc -l")
    assert (again.code, again.stdout.strip()) == (0, "1")
    assert f"sandbox {sandbox_id}: restarted, this is generation 2" in again.error
    assert "exit code 137" in again.error
    assert cli.run("exec", sandbox_id, "--", "true").stderr == ""

    why = cli.read("why", sandbox_id)
    assert (why["generation"]["generation"], why["evidence"]["exit_code"]) == (1, 137)
    assert any("SIGKILL" in sentence for sentence in why["sentences"])
    told = cli.run("why", sandbox_id)
    assert "Generation 2 was ready" in told.stdout
    assert f"thread '{THREAD}'" in told.stdout

    history = cli.read("history", sandbox_id)
    types = [event["type"] for event in history["events"]]
    assert types.index("SandboxDied") < types.index("EvidenceCollected") < types.index("SandboxDestroyed")
    assert [generation["generation"] for generation in history["generations"]] == [1, 2]
    assert history["sandbox"]["holders"] == []

    lines = cli.run("-o", "json", "events", "--type", "SandboxDied", "--since", "1h").stdout.splitlines()
    assert [json.loads(line)["stream"] for line in lines] == [f"sandbox:{sandbox_id}"]
    assert cli.read("db", "check")["problems"] == []


def test_an_operator_restarts_releases_and_destroys(cli: CommandLine) -> None:
    sandbox_id = cli.run("acquire", "thread").stdout.strip()
    assert cli.read("restart", "thread")["generation"] == 2
    assert "generation 2" in cli.run("exec", "thread", "--", "true").error
    assert cli.read("release", sandbox_id[:4])["status"] == "warm"
    assert cli.read("destroy", "thread")["status"] == "gone"
    assert "was gone already" in cli.run("destroy", "thread").stdout
    history = cli.read("history", "thread")
    assert history["events"][-1]["actor"].startswith("operator:")
    assert cli.read("ps") == []
    assert [record["sandbox_id"] for record in cli.read("ps", "--all")] == [sandbox_id]
    assert cli.read("rebuild")["events"] == len(cli.run("-o", "json", "events").stdout.splitlines())


def test_an_operator_says_why(cli: CommandLine) -> None:
    cli.run("acquire", "thread")
    assert cli.run("release", "thread", "--reason", "stuck since noon").code == 0
    assert "there was no back-off" in cli.run("clear", "thread").stdout
    assert cli.run("destroy", "thread", "--reason", " ").code == 2
    assert cli.run("sweep", "--dry-run", "--reason", "curious").code == 0
    lines = cli.run("-o", "json", "events", "--type", "OperatorActionRequested").stdout.splitlines()
    asked = [json.loads(line)["data"] for line in lines]
    assert [(one["action"], one["reason"]) for one in asked] == [
        ("release", "stuck since noon"), ("clear", "from the command line"), ("dry_run", "curious"),
    ]  # fmt: skip
    ended = cli.run("-o", "json", "events", "--type", "OperatorActionCompleted").stdout.splitlines()
    assert [json.loads(line)["data"]["outcome"] for line in ended] == ["done"] * 3


def test_output_goes_through_unharmed_and_a_timeout_has_its_code(cli: CommandLine) -> None:
    ran = cli.run("exec", "thread", "--", "printf '\\033[1mbold\\n'; echo ünï")
    assert ran.stdout == "\x1b[1mbold\nünï\n"
    late = cli.run("exec", "thread", "--timeout", "0.3", "--", "sleep", "30")
    assert late.code == 124
    assert "stopped after its time" in late.error
    document = cli.run("-o", "json", "exec", "thread", "--", "echo hi; exit 5")
    assert (document.code, document.document["output"], document.document["exit_code"]) == (5, "hi\n", 5)


def test_tables_are_whole_and_plain_when_piped(cli: CommandLine) -> None:
    thread = "a thread with a name that is longer than any terminal is wide, " * 3
    sandbox_id = cli.run("acquire", thread).stdout.strip()
    header, row = cli.run("ps").stdout.splitlines()
    assert header.split()[:2] == ["SANDBOX", "STATUS"]
    assert sandbox_id in row
    assert thread.strip() in row
    assert "\x1b" not in cli.run("history", sandbox_id).stdout


def test_the_demonstration_ends_well_and_leaves_nothing(cli: CommandLine) -> None:
    ran = cli.run("demo")
    assert (ran.code, ran.stderr) == (0, "")
    assert "No such file" in ran.stdout
    assert "generation 2" in ran.stdout
    assert "exit code 137" in ran.stdout
    assert cli.read("ps") == []


@pytest.mark.docker
def test_a_container_lives_dies_and_is_explained(
    docker_engine: EngineAddress, sandbox_image: str, tmp_path: Path
) -> None:
    sandbox = {"engine": docker_engine.base_url, "image": sandbox_image}
    as_root = {"security": {"user": "root"}}  # to end the container from inside
    cli = CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "sandbox": {**sandbox, **as_root}})
    try:
        assert cli.run("exec", "thread", "--", "cat /proc/1/comm").stdout.startswith("python")
        cli.run("exec", "thread", "--", KILL)
        assert "generation 2" in cli.run("exec", "thread", "--", "true").error
        told = cli.run("why", "thread").stdout
        assert "(docker " in told
        assert "its limit was 1 GiB" in told
        findings = {finding["subject"]: finding["status"] for finding in cli.read("doctor")}
        assert (findings["engine"], findings["image"]) == ("ok", "ok")
    finally:
        assert cli.run("destroy", "thread").code == 0
