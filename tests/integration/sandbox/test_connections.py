"""What goes wrong between client and server: gone, silent, closed, proxied, forked, malformed."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from provider.domain.errors import SandboxError, SandboxGone
from provider.sandbox.readiness import StoppedWhileStarting, wait_until_ready
from provider.sandbox.sandbox import Sandbox
from tests.integration.sandbox.conftest import RunningServer, Start

USUAL = b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def exchange(server: RunningServer, request: bytes) -> bytes:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_sandbox_is_gone_and_the_error_says_what_to_do(sandbox: Sandbox, server: RunningServer) -> None:
    sandbox.execute_command("true")
    server.process.kill()
    server.process.wait()
    for _ in range(2):
        with pytest.raises(SandboxGone, match=r"sandbox 5a4d: .*call acquire\(\) again") as error:
            sandbox.execute_command("true")
        assert error.value.sandbox_id == "5a4d"


def test_a_command_whose_connection_breaks_is_sent_once() -> None:
    requests: list[bytes] = []
    with listening() as (listener, url):

        def break_connections() -> None:
            for _ in range(2):
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    requests.append(connection.recv(65536))

        thread = threading.Thread(target=break_connections)
        thread.start()
        sandbox = Sandbox("5a4d", 1, url)
        with pytest.raises(SandboxGone, match="it may have been done"):
            sandbox.execute_command("rm -r /")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        sandbox.close()
    assert len(requests) == 1


def test_a_silent_sandbox_is_not_a_dead_one() -> None:
    with listening() as (_, url):
        sandbox = Sandbox("5a4d", 1, url, timeout=0.2)
        with pytest.raises(TimeoutError, match=r"sandbox 5a4d: no answer .* within 0.2 s"):
            sandbox.read_file("x")
        sandbox.close()


def test_a_closed_object_says_so(sandbox: Sandbox) -> None:
    sandbox.execute_command("true")
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxError, match="was closed"):
        sandbox.execute_command("true")


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n"]
)
def test_another_server_on_the_port_is_named(answer: bytes) -> None:
    with listening() as (listener, url):

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        sandbox = Sandbox("5a4d", 1, url)
        with pytest.raises(SandboxError, match="not the sandbox protocol"):
            sandbox.execute_command("true")
        sandbox.close()
        thread.join(10)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_s46_a_proxy_does_not_divert_a_loopback_sandbox(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with listening() as (listener, proxy):
        listener.setblocking(False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv(name, proxy)
        wait_until_ready(server.url, deadline=time.monotonic() + 10, still_running=lambda: True)
        sandbox = Sandbox("5a4d", 1, server.url)
        assert sandbox.execute_command("echo direct").output == "direct\n"
        sandbox.close()
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_forked_child_has_its_own_connection(sandbox: Sandbox) -> None:
    assert sandbox.execute_command("echo parent").output == "parent\n"
    pid = os.fork()
    if pid == 0:
        fine = sandbox.execute_command("echo child").output == "child\n"
        os._exit(0 if fine else 1)
    assert sandbox.execute_command("echo parent").output == "parent\n"
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_activity_surrounds_every_call(server: RunningServer) -> None:
    log: list[str] = []

    @contextmanager
    def activity() -> Iterator[None]:
        log.append("begin")
        try:
            yield
        finally:
            log.append("end")

    sandbox = Sandbox("5a4d", 1, server.url, activity=activity)
    sandbox.write_file("a", "")
    sandbox.download_file("a")
    with pytest.raises(FileNotFoundError):
        sandbox.read_file("b")
    sandbox.execute_command("true")
    assert log == ["begin", "end"] * 4
    sandbox.close()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /v1/shell/exec" + USUAL + b"Content-Length: 5\r\n\r\n{nope", 422),
        (b"POST /v1/shell/exec" + USUAL + b"Content-Length: 2\r\n\r\n[]", 422),
        (b"POST /v1/shell/exec" + USUAL + b"Content-Length: 2\r\n\r\n{}", 422),
        (b"POST /v1/shell/exec" + USUAL + b'Content-Length: 13\r\n\r\n{"command":1}', 422),
        (b"GET /v1/shell/exec" + USUAL + b"\r\n", 405),
        (b"GET /v2" + USUAL + b"\r\n", 404),
        (b"POST /v1/file/write" + USUAL + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"POST /v1/file/write" + USUAL + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST /v1/file/write" + USUAL + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"\x16\x03\x01 hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_malformed_requests_get_an_answer_and_the_server_lives(
    server: RunningServer, request_bytes: bytes, status: int
) -> None:
    answer = exchange(server, request_bytes)
    assert int(answer.split(b" ")[1]) == status
    assert b'"success": false' in answer
    assert b" 200 " in exchange(server, b"GET /v1/sandbox" + USUAL + b"\r\n")


def test_one_connection_carries_many_requests(server: RunningServer) -> None:
    one = b"GET /v1/sandbox HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert exchange(server, one * 3).count(b"HTTP/1.1 200 ") == 3


def test_a_body_beyond_the_limit_is_refused_with_an_answer(start_server: Start) -> None:
    sandbox = Sandbox("5a4d", 1, start_server("--max-body", "1000").url)
    with pytest.raises(OSError, match="the limit is 1000"):
        sandbox.update_file("big", b"x" * 5_000_000)
    sandbox.update_file("small", b"x")
    sandbox.close()


def test_readiness_waits_for_the_server_and_counts_successes(server: RunningServer) -> None:
    assert wait_until_ready(server.url, deadline=time.monotonic() + 10, successes=3, still_running=lambda: True) < 10


def test_readiness_gives_up_at_the_deadline() -> None:
    with listening() as (_, url), pytest.raises(TimeoutError, match="not ready"):
        wait_until_ready(url, deadline=time.monotonic() + 0.3, still_running=lambda: True)


def test_readiness_notices_that_the_process_ended() -> None:
    with listening() as (_, url):
        pass
    asked: list[float] = []

    def still_running() -> bool:
        asked.append(time.monotonic())
        return len(asked) < 2

    with pytest.raises(StoppedWhileStarting, match="ended before it answered"):
        wait_until_ready(url, deadline=time.monotonic() + 30, still_running=still_running)
    assert len(asked) == 2
    assert asked[1] - asked[0] > 0.2
