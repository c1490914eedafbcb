"""S103: what runs in a sandbox can neither change, imitate nor end what serves it; nor can a file request."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.acceptance.choosing import on
from tests.support.acceptance.deployment import Deployment

SERVER = "/usr/local/lib/sandbox-ledger/sandboxd"


@on("docker")
def test_s103_commands_run_as_an_unprivileged_user(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    assert sandbox.execute_command("id -u; id -g; id -un; pwd").output == "1000\n1000\nsandbox\n/workspace\n"
    assert sandbox.execute_command("id -u", env={"A": "1"}).output == "1000\n"
    assert sandbox.execute_command("grep Groups /proc/self/status").output.split() == ["Groups:", "1000"]
    assert sandbox.execute_command(f"id -u #{'x' * 200_000}").output == "1000\n"
    assert "SANDBOXD" not in sandbox.execute_command("env").output
    # Theirs is the work directory.
    sandbox.write_file("/workspace/sub/file", "mine\n")
    assert sandbox.execute_command("stat -c %U:%G sub sub/file; cat sub/file; rm -r sub && echo gone").output == (
        "sandbox:sandbox\nsandbox:sandbox\nmine\ngone\n"
    )
    assert sandbox.execute_command("echo a > made; echo done").output == "done\n"
    sandbox.write_file("made", "b")
    assert sandbox.grep("/workspace", "b")[0].path == "/workspace/made"


@on("docker")
def test_s103_the_server_cannot_be_changed_or_read_from_inside(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    for command in (
        f"echo x >> {SERVER}/server.py",
        f"rm -rf {SERVER}",
        f"mv {SERVER} /tmp/",
        "touch /usr/local/bin/python3",
        "echo x > /proc/1/mem",
        "cat /proc/1/environ",
        "kill -9 1",
        "kill -TERM 1",
        "ls /proc/1/fd",
        "echo 'x:x:0:0::/:/bin/sh' >> /etc/passwd",
        "su -c id",
    ):
        assert sandbox.execute_command(command).exit_code != 0, command
    assert sandbox.execute_command("kill -9 -1; true").exit_code in {0, 137}
    assert sandbox.execute_command("echo alive").output == "alive\n"


@on("docker")
def test_s103_a_file_request_can_do_no_more_than_a_command(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    sandbox.execute_command("ln -s /proc/1/environ link")
    attempts: dict[str, Callable[[], object]] = {
        "read": lambda: sandbox.read_file("/proc/1/environ"),
        "read by a link": lambda: sandbox.read_file("/workspace/link"),
        "download": lambda: sandbox.download_file("/proc/1/environ"),
        "write": lambda: sandbox.write_file(f"{SERVER}/server.py", "x"),
        "append": lambda: sandbox.write_file("/etc/passwd", "x", append=True),
        "make": lambda: sandbox.update_file("/usr/local/bin/new", b"x"),
        "the server's memory": lambda: sandbox.update_file("/proc/self/mem", b"x"),
        "search": lambda: sandbox.grep("/proc/1/environ", "x"),
    }
    done = [name for name, attempt in attempts.items() if not _is_refused(attempt)]
    assert done == []
    assert "root" in sandbox.read_file("/etc/passwd")


@on("docker")
def test_s103_a_timeout_still_stops_the_user_s_processes(deployment: Deployment) -> None:
    sandbox = deployment.open_worker().provider.ensure("thread-1")
    stopped = sandbox.execute_command("echo begun; trap '' TERM; while :; do sleep 0.1; done", timeout=1)
    assert (stopped.timed_out, stopped.output) == (True, "begun\n")


@on("docker")
def test_the_user_may_be_root_where_it_is_said(deployment: Deployment) -> None:
    security = {"user": "root"}
    sandbox = deployment.open_worker(security=security).provider.ensure("thread-1")
    assert sandbox.execute_command("id -u").output == "0\n"
    sandbox.write_file("/etc/mine", "x")


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except PermissionError:
        return True
    return False
