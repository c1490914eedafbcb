"""The official SDK against this server: the proof that the protocol is the real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from provider.domain.containers import SandboxSpec
from provider.sandbox.access_token import identity_environment, sandbox_token
from tests.integration.sandbox.conftest import RunningServer, Start

TOKEN = sandbox_token(b"key", "sandbox-5a4d-g1")

NOT_INSTALLED = "the official SDK is not installed"
OfficialClient: Any = pytest.importorskip("agent_sandbox", reason=NOT_INSTALLED).Sandbox
ApiError: Any = pytest.importorskip("agent_sandbox.core.api_error", reason=NOT_INSTALLED).ApiError
Unprocessable: Any = pytest.importorskip("agent_sandbox.errors", reason=NOT_INSTALLED).UnprocessableEntityError


@pytest.fixture
def server(start_server: Start) -> RunningServer:
    """Start a server that asks for a token."""
    return start_server(identity=identity_environment(SandboxSpec("5a4d", 1, token=TOKEN), "sandbox-5a4d-g1"))


@pytest.fixture
def official(server: RunningServer) -> Iterator[Any]:
    with httpx.Client(trust_env=False, timeout=20) as http:
        yield OfficialClient(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, httpx_client=http)


def test_without_the_header_it_is_refused(server: RunningServer) -> None:
    with httpx.Client(trust_env=False, timeout=20) as http, pytest.raises(ApiError) as error:
        OfficialClient(base_url=server.url, httpx_client=http).shell.exec_command(command="id")
    assert error.value.status_code == 401


def test_context(official: Any, server: RunningServer) -> None:
    context = official.sandbox.get_context()
    assert context.detail.system.os == "Linux"
    assert context.workspace == str(server.root)
    assert context.detail.runtime.python[0].ver


def test_shell_exec(official: Any) -> None:
    data = official.shell.exec_command(command="echo out; echo err >&2; exit 3").data
    assert (data.status, data.output, data.exit_code) == ("completed", "out\nerr\n", 3)
    assert official.shell.exec_command(command="pwd", exec_dir="/", strict=True).data.output == "/\n"
    stopped = official.shell.exec_command(command="echo some; sleep 60", hard_timeout=0.3).data
    assert (stopped.status, stopped.output, stopped.exit_code) == ("hard_timeout", "some\n", None)
    long = official.shell.exec_command(command="head -c 40000 /dev/zero | tr '\\0' x", truncate=True).data.output
    assert 30_000 < len(long) < 30_100


def test_shell_exec_returns_while_the_command_goes_on(official: Any, server: RunningServer) -> None:
    running = official.shell.exec_command(command="echo a; until [ -e go ]; do sleep 0.01; done; echo b", timeout=0.2)
    assert (running.data.status, running.data.output, running.data.exit_code) == ("running", "a\n", None)
    (server.root / "go").touch()


def test_bash_exec(official: Any) -> None:
    data = official.bash.exec(command='echo "$A"; echo "[$HOME]" >&2', env={"A": "1", "HOME": None}).data
    assert (data.status, data.stdout, data.stderr, data.exit_code) == ("completed", "1\n", "[]\n", 0)
    assert official.bash.exec(command="sleep 60", hard_timeout=0.2).data.status == "timed_out"
    assert "left out" in official.bash.exec(command="seq 10000", max_output_length=100).data.stdout


def test_what_is_not_supported_is_refused_not_ignored(official: Any) -> None:
    with pytest.raises(Unprocessable, match="'id' is not supported"):
        official.shell.exec_command(command="cd /", id="session")
    with pytest.raises(ApiError, match="no such endpoint"):
        official.shell.list_sessions()


def test_files(official: Any) -> None:
    assert official.file.write_file(file="a.txt", content="one", trailing_newline=True).data.bytes_written == 4
    official.file.write_file(file="a.txt", content="dHdvCg==", encoding="base64", append=True)
    assert official.file.read_file(file="a.txt").data.content == "one\ntwo\n"
    assert official.file.replace_in_file(file="a.txt", old_str="o", new_str="0").data.replaced_count == 2
    assert official.file.read_file(file="a.txt", start_line=1, end_line=2).data.content == "tw0\n"
    with pytest.raises(ApiError) as error:
        official.file.read_file(file="missing")
    assert error.value.status_code == 404
    with pytest.raises(ApiError) as error:
        official.file.read_file(file="/etc/passwd")
    assert error.value.status_code == 403


def test_upload_and_download(official: Any) -> None:
    content = b"\r\n--not-a-boundary\r\n\0\xff" * 100_000
    uploaded = official.file.upload_file(file=("name.bin", content), path="dir/up.bin").data
    assert (uploaded.file_path, uploaded.file_size, uploaded.success) == ("dir/up.bin", len(content), True)
    assert b"".join(official.file.download_file(path="dir/up.bin")) == content
    assert official.file.upload_file(file=("own name.bin", b"")).data.file_path == "own name.bin"


def test_searches(official: Any) -> None:
    official.file.write_file(file="src/a.py", content="one\ntwo\nthree\nfour\n")
    official.file.write_file(file="src/b.txt", content="two\n")
    listed = official.file.list_path(path=".", recursive=True, include_permissions=True).data
    assert [file.name for file in listed.files] == ["src", "a.py", "b.txt"]
    assert (listed.total_count, listed.directory_count, listed.file_count) == (3, 1, 2)
    assert official.file.find_files(path=".", glob="*.py").data.files == ["./src/a.py"]
    globbed = official.file.glob_files(path=".", pattern="**/*", files_only=True, sort_by="size", sort_desc=True).data
    assert [file.name for file in globbed.files] == ["a.py", "b.txt"]
    grepped = official.file.grep_files(path=".", pattern="t[wh]", context_before=1, context_after=1, offset=1).data
    assert [(match.line_number, match.context_before, match.context_after) for match in grepped.matches] == [
        (3, ["two"], ["four"]),
        (1, [], []),
    ]
    assert (grepped.match_count, grepped.files_searched, grepped.files_matched, grepped.truncated) == (2, 2, 2, False)
