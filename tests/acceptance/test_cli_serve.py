"""`sandbox-ledger serve`: the dashboard in a browser, or one clear sentence why not."""

from __future__ import annotations

import hashlib
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.support.command_line import CommandLine
from tests.support.web import serving


def make(tmp_path: Path, **web: object) -> CommandLine:
    return CommandLine(tmp_path, {"database": {"url": "sqlite:///ledger.db"}, "web": web})


def test_an_address_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = make(tmp_path, port=port).run("serve")
    assert ran.code == 1
    assert ran.error == (
        f"dashboard 127.0.0.1:{port}: cannot listen: Address already in use; end what listens there, or set web.port"
    )


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    token = {"name": "a", "sha256": "0" * 64}
    ran = make(tmp_path, host="192.0.2.1", port=0, auth="token", tokens=[token]).run("serve")
    assert (ran.code, "cannot listen" in ran.error) == (1, True)


def test_without_authentication_only_this_machine_is_served(tmp_path: Path) -> None:
    ran = make(tmp_path, host="0.0.0.0").run("serve")
    assert ran.code == 2
    assert "web.auth: is none" in ran.error


def test_a_session_key_that_cannot_be_kept_is_told_before_anything_is_served(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    ran = make(tmp_path, auth="token", port=0, tokens=[{"name": "a", "sha256": "0" * 64}]).run("serve")
    assert ran.code == 2
    assert "set web.session_key" in ran.error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    settings = {"database": {"url": f"sqlite:///{tmp_path}/ledger.db"}, "web": {"port": 0}}
    with serving(tmp_path, settings) as server:
        assert httpx.get(f"{server.url}/").status_code == 200
        server.process.send_signal(number)
        assert server.wait() == 0


def test_the_token_that_config_yaml_tells_how_to_make_signs_in(tmp_path: Path) -> None:
    token = "a-token-from-the-one-liner"
    settings = {
        "database": {"url": f"sqlite:///{tmp_path}/ledger.db"},
        "web": {
            "port": 0,
            "auth": "token",
            "session_key": "k" * 32,
            "tokens": [{"name": "alice", "role": "operator", "sha256": hashlib.sha256(token.encode()).hexdigest()}],
        },
    }
    with serving(tmp_path, settings) as server, httpx.Client(base_url=server.url, follow_redirects=True) as browser:
        assert browser.get("/").url.path == "/login"
        origin = {"Origin": server.url}
        page = browser.post("/login", data={"name": "alice", "token": token, "next": "/?x=1"}, headers=origin)
        assert (page.status_code, page.url.path, page.url.query) == (200, "/", b"x=1")
        assert "alice" in page.text
