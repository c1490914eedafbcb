"""Commands in a real server: output, exit codes, deadlines, and what they leave behind."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provider.domain.errors import SandboxGone
from provider.sandbox.sandbox import Sandbox
from tests.integration.sandbox.conftest import RunningServer, Start
from tests.support.processes import find_children, wait_for_exit
from tests.support.waiting import wait_until

MIB = 1024 * 1024


def read_pid(path: Path) -> int:
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), what=f"a pid in {path}")
    return int(path.read_text())


def test_output_holds_stdout_and_stderr_in_order(sandbox: Sandbox) -> None:
    result = sandbox.execute_command("echo one; echo two >&2; echo three")
    assert str(result) == "one\ntwo\nthree\n"
    assert (result.exit_code, result.truncated, result.timed_out) == (0, False, False)
    assert 0 < result.duration_seconds < 20


def test_output_with_an_environment_keeps_the_same_order(sandbox: Sandbox) -> None:
    result = sandbox.execute_command('echo "$WHO"; echo two >&2; echo three; exit 4 # done', env={"WHO": "ünë $x"})
    assert (result.output, result.exit_code) == ("ünë $x\ntwo\nthree\n", 4)
    assert sandbox.execute_command('echo "[$WHO]"').output == "[]\n"


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("no-such-command", 127), ("if", 2)])
def test_exit_codes_are_those_of_a_shell(sandbox: Sandbox, command: str, code: int) -> None:
    assert sandbox.execute_command(command).exit_code == code


def test_bytes_that_are_no_text_are_replaced(sandbox: Sandbox) -> None:
    assert sandbox.execute_command(r"printf 'a\000b\377c'").output == "a\ufffdb\ufffdc"


def test_works_in_its_directory_with_an_empty_stdin(sandbox: Sandbox, server: RunningServer) -> None:
    assert sandbox.execute_command("pwd; cat").output == f"{server.root}\n"


def test_huge_output_keeps_head_and_tail_and_little_memory(sandbox: Sandbox, server: RunningServer) -> None:
    result = sandbox.execute_command("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo last")
    assert result.truncated
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxxlast\n")
    assert "[... 48951435 bytes of output left out ...]" in result.output
    assert len(result.output) < MIB + 100
    peak = next(line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if "VmHWM" in line)
    assert int(peak.split()[1]) < 64 * 1024


def test_a_command_longer_than_an_argument_may_be(sandbox: Sandbox) -> None:
    result = sandbox.execute_command(f"wc -c <<'END'\n{'x' * 300_000}\nEND\nexit 7")
    assert (result.output.strip(), result.exit_code) == ("300001", 7)


def test_timeout_stops_the_whole_group(sandbox: Sandbox, server: RunningServer) -> None:
    # The grandchild ignores SIGTERM, so only SIGKILL to the group ends it.
    stubborn = "trap '' TERM; echo $$ > grandchild; while :; do sleep 0.1; done"
    result = sandbox.execute_command(f'echo begun; sh -c "{stubborn.replace("$", chr(92) + "$")}" & wait', timeout=0.5)
    assert (result.timed_out, result.exit_code) == (True, 124)
    assert result.output == "begun\n"
    assert wait_for_exit(read_pid(server.root / "grandchild"), timeout_seconds=10)


def test_timeout_stops_a_command_that_ignores_being_asked(sandbox: Sandbox) -> None:
    result = sandbox.execute_command("trap '' TERM; echo begun; while :; do sleep 0.1; done", timeout=0.5)
    assert (result.timed_out, result.exit_code, result.output) == (True, 124, "begun\n")


def test_a_background_process_neither_holds_the_call_nor_dies_of_it(sandbox: Sandbox, server: RunningServer) -> None:
    loop = "(echo $BASHPID > pid; while [ ! -e stop ]; do echo tick; sleep 0.01; done; echo ended > end) &"
    assert sandbox.execute_command(f"{loop} echo ready").output.replace("tick\n", "") == "ready\n"
    os.kill(read_pid(server.root / "pid"), 0)
    (server.root / "stop").touch()  # it wrote to the closed call's pipe all the while, and reaches its own end
    wait_until((server.root / "end").exists, what="the background process to end by itself")


def test_concurrent_commands_get_their_own_output_and_code(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(12) as threads:
        results = list(
            threads.map(lambda n: sandbox.execute_command(f"sleep 0.0{n % 5}; echo {n}; exit {n}"), range(60))
        )
    assert [(result.output, result.exit_code) for result in results] == [(f"{n}\n", n) for n in range(60)]


def test_orphans_are_reaped_and_no_exit_code_is_stolen(sandbox: Sandbox, server: RunningServer) -> None:
    for code in range(20):
        assert sandbox.execute_command(f"setsid sh -c 'sleep 0.01; exit 9' & exit {code}").exit_code == code
    wait_until(lambda: not find_children(server.process.pid), what="every orphan to be reaped")


def test_as_first_process_of_a_container_it_reaps_and_obeys_sigterm(start_server: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("a PID namespace needs root")
    server = start_server(prefix=("unshare", "--fork", "--pid", "--mount-proc", "--kill-child"))
    sandbox = Sandbox("5a4d", 1, server.url)
    assert sandbox.execute_command("setsid sh -c 'sleep 0.01' & echo $PPID").output == "1\n"
    zombies = "ps -eo stat,comm --no-headers | grep -c ^Z"
    wait_until(lambda: sandbox.execute_command(zombies).output == "0\n", what="no zombie below PID 1")
    sandbox.execute_command("(trap '' TERM; sleep 60) &")
    (first,) = find_children(server.process.pid)
    os.kill(first, 15)
    assert server.process.wait(5) == 0
    sandbox.close()


def test_sigterm_ends_it_at_once_with_all_it_started(start_server: Start) -> None:
    server = start_server()
    sandbox = Sandbox("5a4d", 1, server.url)
    with ThreadPoolExecutor(1) as thread:
        sandbox.execute_command("setsid sh -c 'trap \"\" TERM; echo $$ > stubborn; sleep 60; sleep 60' & true")
        call = thread.submit(sandbox.execute_command, "echo $$ > pid; sleep 60")
        pids = [read_pid(server.root / "pid"), read_pid(server.root / "stubborn")]
        server.process.terminate()
        assert server.process.wait(5) == 0
        assert isinstance(call.exception(5), SandboxGone) or call.result().exit_code == 143
    assert all(wait_for_exit(pid, timeout_seconds=5) for pid in pids)
    sandbox.close()


def test_it_runs_from_a_zip(start_server: Start, tmp_path: Path) -> None:
    import zipfile

    from tests.integration.sandbox.conftest import SANDBOXD

    bundle = tmp_path / "bundle"
    with zipfile.ZipFile(bundle, "w") as archive:
        for module in SANDBOXD.glob("*.py"):
            archive.write(module, f"sandboxd/{module.name}")
        archive.writestr("__main__.py", "import sys\nfrom sandboxd.server import main\nmain(sys.argv[1:])\n")
    server = start_server(program=bundle)
    sandbox = Sandbox("5a4d", 1, server.url)
    assert sandbox.execute_command("echo zipped").output == "zipped\n"
    sandbox.close()
