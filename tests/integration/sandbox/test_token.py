"""S100: a server answers only who has its token, asks by its name, and is no web page."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from provider.domain.containers import SandboxSpec
from provider.domain.errors import AccessRefused
from provider.sandbox.access_token import identity_environment, sandbox_token
from provider.sandbox.readiness import AnotherSandbox, Expected, wait_until_ready
from provider.sandbox.sandbox import Sandbox
from provider.sandbox.sandboxd.connection import ROUTES
from tests.integration.sandbox.conftest import RunningServer, Start

KEY = b"the key of a ledger"
NAME = "sandbox-5a4d-g3"
TOKEN = sandbox_token(KEY, NAME)
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COMMAND = b'{"command": "touch reached; echo yes"}'


@pytest.fixture
def guarded(start_server: Start) -> RunningServer:
    """Start the server of generation 3 of sandbox 5a4d."""
    return start_server(identity=identity_environment(SandboxSpec("5a4d", 3, token=TOKEN), NAME))


def ask(
    server: RunningServer, headers: dict[str, str], path: str = "/v1/shell/exec", body: bytes = COMMAND
) -> tuple[int, str]:
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    try:
        connection.request("POST" if body else "GET", path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_who_has_the_token_is_answered(guarded: RunningServer) -> None:
    assert '"yes\\n"' in ask(guarded, JSON | BEARER)[1]
    assert ask(guarded, JSON | {"Authorization": f"bearer  {TOKEN} "})[0] == 200
    sandbox = Sandbox("5a4d", 3, guarded.url, token=TOKEN)
    assert sandbox.execute_command("echo yes").output == "yes\n"
    sandbox.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {sandbox_token(KEY, 'sandbox-5a4d-g2')}"},
        {"Authorization": f"Bearer {sandbox_token(b'another ledger', NAME)}"},
        {"Cookie": f"Authorization=Bearer {TOKEN}"},
    ],
)
def test_s100_who_has_not_is_refused(guarded: RunningServer, headers: dict[str, str]) -> None:
    status, answer = ask(guarded, JSON | headers)
    assert status == 401
    assert TOKEN not in answer
    assert not (guarded.root / "reached").exists()


@pytest.mark.parametrize("path", ROUTES)
def test_s100_no_endpoint_answers_without_the_token(guarded: RunningServer, path: str) -> None:
    body = COMMAND if ROUTES[path][0] == "POST" else b""
    assert ask(guarded, JSON, path, body)[0] == 401
    assert ask(guarded, JSON, f"{path}?x=1", body)[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8080"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "sandbox-5a4d-g2"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Host": NAME}, 200),
        ({"Host": f"{NAME.upper()}:8080"}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "172.17.0.2:8080"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_s100_web_pages_and_foreign_names(guarded: RunningServer, headers: dict[str, str], status: int) -> None:
    assert ask(guarded, JSON | BEARER | headers)[0] == status
    assert (guarded.root / "reached").exists() == (status == 200)


def test_s100_a_page_is_refused_where_no_token_is_asked_for(server: RunningServer) -> None:
    assert ask(server, JSON)[0] == 200
    assert ask(server, JSON | {"Host": "sandbox-5a4d-g1:8080"})[0] == 200
    assert ask(server, JSON | {"Host": ""})[0] == 403
    assert ask(server, JSON | {"Host": "evil.example"})[0] == 403
    assert ask(server, JSON | {"Origin": "http://evil.example"})[0] == 403
    assert ask(server, {"Content-Type": "text/plain"})[0] == 415


def test_a_body_is_not_read_for_who_may_not_ask(guarded: RunningServer) -> None:
    assert ask(guarded, JSON, body=b"x" * 5_000_000)[0] == 401


def test_s100_a_refused_call_has_an_error_of_its_own(guarded: RunningServer) -> None:
    sandbox = Sandbox("5a4d", 3, guarded.url, token=sandbox_token(KEY, "sandbox-other-g1"))
    for call in (lambda: sandbox.execute_command("true"), lambda: sandbox.download_file("x")):
        with pytest.raises(AccessRefused, match="sandbox 5a4d: its server refused the call"):
            call()
    sandbox.close()


def test_neither_commands_nor_the_process_list_know_the_token(guarded: RunningServer) -> None:
    sandbox = Sandbox("5a4d", 3, guarded.url, token=TOKEN)
    assert "SANDBOXD" not in sandbox.execute_command("env").output
    sandbox.close()
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in Path(f"/proc/{guarded.process.pid}/{name}").read_bytes()


def ready(server: RunningServer, expected: Expected, path: str = "/v1/sandbox") -> float:
    by = time.monotonic() + 10
    return wait_until_ready(server.url, deadline=by, still_running=lambda: True, path=path, expected=expected)


def test_readiness_wants_this_sandbox_and_no_other(guarded: RunningServer, server: RunningServer) -> None:
    ready(guarded, Expected(TOKEN, "5a4d", 3))
    for sandbox_id, generation in (("5a4d", 2), ("5a4e", 3)):
        with pytest.raises(AnotherSandbox, match="does not answer as generation"):
            ready(guarded, Expected(TOKEN, sandbox_id, generation))
    with pytest.raises(AnotherSandbox, match="does not answer as generation 3"):
        ready(server, Expected(TOKEN, "5a4d", 3))  # a server that asks for no token, and says nothing


def test_the_server_says_who_it_is(guarded: RunningServer) -> None:
    answer = json.loads(ask(guarded, BEARER, "/v1/sandbox", b"")[1])
    assert (answer["sandbox"], answer["generation"]) == ("5a4d", 3)
