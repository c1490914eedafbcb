"""S104: hundreds of clients that never finish what they send, and everybody else is answered beside them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.web.test_live_server import read
from tests.support.signing_in import TOKENS, token_settings
from tests.support.web import Fleet, WebServer, configuration, serving

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\nname="
SILENT, DRIPPING_HEADS, DRIPPING_BODIES = 200, 150, 150
PATIENCE_SECONDS = 15
"""Far above the two seconds that are promised, far below what the slow ones are given."""


class SlowClients:
    """Connections that stay half-way; the dripping ones send a byte five times a second."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        silent = [self._connect(HALF_A_HEAD) for _ in range(SILENT)]
        self._dripping = [self._connect(HALF_A_HEAD) for _ in range(DRIPPING_HEADS)]
        self._dripping += [self._connect(HALF_A_BODY) for _ in range(DRIPPING_BODIES)]
        self.all = [*silent, *self._dripping]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def count_open(self) -> int:
        """How many the server still has."""
        return sum(1 for one in self.all if _is_open(one))

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        for one in self.all:
            one.close()

    def _connect(self, sent: bytes) -> socket.socket:
        opened = socket.create_connection(self._address, timeout=PATIENCE_SECONDS)
        opened.sendall(sent)
        opened.setblocking(False)
        return opened

    def _drip(self) -> None:
        while not self._stopped.wait(0.2):
            for one in self._dripping:
                try:
                    one.send(b"x")
                except OSError:
                    continue  # the server has ended it


def _is_open(one: socket.socket) -> bool:
    try:
        return one.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.fixture
def signed_in(fleet: Fleet, tmp_path: Path) -> Iterator[tuple[WebServer, httpx.Client]]:
    """A real server with tokens, and a browser that has signed in."""
    settings = configuration(fleet.url, **token_settings())
    with serving(tmp_path, settings) as server, httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS) as browser:
        form = {"name": "alice", "token": TOKENS["alice"], "next": "/"}
        assert browser.post("/login", data=form, headers={"Origin": server.url}).status_code == 303
        yield server, browser


def test_s104_pages_are_answered_while_500_clients_dawdle(signed_in: tuple[WebServer, httpx.Client]) -> None:
    server, browser = signed_in
    with ExitStack() as stack:
        slow = SlowClients(server.url)
        stack.callback(slow.close)
        lines = stack.enter_context(httpx.stream("GET", f"{server.url}/live", headers=_session(browser), timeout=30))
        told = lines.iter_lines()
        assert read(told, "heartbeat")["position"] >= 0
        for _ in range(3):
            # New connections: each has to be accepted beside the slow ones.
            assert httpx.get(f"{server.url}/livez", timeout=PATIENCE_SECONDS).text == "ok\n"
            page = httpx.get(f"{server.url}/", headers=_session(browser), timeout=PATIENCE_SECONDS)
            assert "<b>alice</b> (operator)" in page.text
        assert slow.count_open() == SILENT + DRIPPING_HEADS + DRIPPING_BODIES, "all this was answered beside them"
        server.process.terminate()
        assert list(told)[-1:] in ([], [""]), "the stream ends whole"
        assert server.wait() == 0


def _session(browser: httpx.Client) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
