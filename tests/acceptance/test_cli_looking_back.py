"""At the command line: the ledger as it was, and as it would have been."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def cli(database_url: str, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, {"database": {"url": database_url}, "sandbox": {"backend": "process"}})


def test_the_fleet_the_history_and_the_reasons_as_they_were(cli: CommandLine) -> None:
    first = cli.run("acquire", "first").stdout.strip()
    before = max(event["position"] for event in cli.read("history", first)["events"])
    second = cli.run("acquire", "second").stdout.strip()
    assert cli.run("destroy", first).code == 0

    (then,) = cli.read("ps", "--as-of", str(before))
    assert (then["sandbox_id"], then["generation"]) == (first, 1)
    assert {one["sandbox_id"] for one in cli.read("ps", "--all", "--as-of", "0s")} == {first, second}

    history = cli.read("history", first, "--as-of", str(before))
    assert history["events"][0]["type"] == "SandboxCreating"
    assert {event["type"] for event in history["events"]}.isdisjoint({"SandboxEvicted", "SandboxDestroyed"})
    assert history["generations"][0]["ended_at"] is None
    assert cli.read("why", first, "--as-of", str(before))["generation"] is None

    gone = cli.run("history", second, "--as-of", str(before))
    assert (gone.code, second in gone.error) == (3, True)
    beyond = cli.run("ps", "--as-of", "999999")
    assert (beyond.code, "the log ends with" in beyond.error) == (2, True)
    cli.run("destroy", second)


def test_another_policy_is_compared_with_the_record_and_with_the_one_in_force(cli: CommandLine) -> None:
    sandbox_id = cli.run("acquire", "thread").stdout.strip()
    assert cli.run("exec", sandbox_id, "--", "true").code == 0
    cli.run("destroy", sandbox_id)

    told = cli.read("what-if", "--replicas", "1", "--idle-timeout", "0", "--backoff", "free=1,initial=20")
    assert told["policies"]["what_if"]["replicas"] == 1
    assert told["policies"]["what_if"]["backoff"] == {
        **told["policies"]["in_force"]["backoff"],
        "free": 1,
        "initial": 20,
    }
    assert told["recorded"]["starts"] == told["in_force"]["starts"] == told["what_if"]["starts"] == 1
    assert told["recorded"]["acquires"] == told["what_if"]["acquires"] == 2
    assert cli.read("what-if", "--since", "0s")["recorded"]["acquires"] == 0

    table = cli.run("what-if", "--replicas", "1").stdout
    assert "RECORDED" in table
    assert "1 replica," in table
    wrong = cli.run("what-if", "--backoff", "speed=3")
    assert (wrong.code, "reset_after" in wrong.error) == (2, True)
