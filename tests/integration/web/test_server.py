"""The HTTP server under clients that send slowly, or keep what they have: on a small application, with short times."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.waiting import wait_until
from web import server as server_module
from web.server import CONNECTION, Server
from web.serving import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"


class House:
    """A server in a thread of its own. `/wait` is answered once `release` is set."""

    def __init__(self) -> None:
        self.release, self.entered, self.gone = threading.Event(), threading.Event(), threading.Event()
        self.listener = listen("127.0.0.1", 0)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.server = Server(self.answer, self.listener, threads=2)
        self.thread = threading.Thread(target=self.server.run)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}"

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            environ[CONNECTION].when_closed(self.gone.set)
            self.entered.set()
            self.release.wait(30)
        text = environ.get("HTTP_X_NAME", "answered").encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
        return [text]

    def connect(self, sent: bytes = b"") -> socket.socket:
        opened = socket.create_connection(self.address, timeout=30)
        opened.sendall(sent)
        return opened

    def stop(self) -> None:
        self.release.set()
        self.server.stop()
        self.thread.join(30)
        wait_until(lambda: not self.server.task_dispatcher.threads, what="the end of its threads", timeout_seconds=30)
        self.server.trigger.close()


@pytest.fixture
def open_house(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """Start a server; keywords replace times and limits of its module."""
    with ExitStack() as stack:

        def open_one(**constants: float) -> House:
            for name, value in constants.items():
                monkeypatch.setattr(server_module, name, value)
            house = House()
            house.thread.start()
            stack.callback(house.stop)
            return house

        yield open_one


def drip_until_closed(opened: socket.socket) -> None:
    """Send a byte now and then until the other end will have no more; a test's timeout ends what never comes."""
    opened.settimeout(0.05)
    while True:
        try:
            opened.sendall(b"x")
            if opened.recv(100) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return


@pytest.mark.parametrize("begun", [HALF_A_HEAD, HALF_A_BODY], ids=["head", "body"])
def test_a_byte_now_and_then_does_not_extend_the_deadline(open_house: Callable[..., House], begun: bytes) -> None:
    house = open_house(ARRIVAL_SECONDS=1.0)
    with house.connect(begun) as slow:
        drip_until_closed(slow)
    assert httpx.get(house.url).text == "answered"


def test_a_connection_that_asks_for_nothing_is_closed_and_one_at_work_is_not(
    open_house: Callable[..., House],
) -> None:
    house = open_house(IDLE_SECONDS=0.5, ARRIVAL_SECONDS=0.5)
    with house.connect() as silent, house.connect(b"GET /wait HTTP/1.0\r\n\r\n") as working:
        assert house.entered.wait(30)
        assert silent.recv(1) == b""
        house.release.set()
        assert working.makefile("rb").read().endswith(b"answered")


def test_when_there_are_too_many_connections_the_oldest_that_ask_nothing_make_room(
    open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "connections_allowed", lambda: 8)
    house = open_house()
    with ExitStack() as stack:
        working = stack.enter_context(house.connect(b"GET /wait HTTP/1.0\r\n\r\n"))
        assert house.entered.wait(30)
        slow = [stack.enter_context(house.connect(HALF_A_HEAD)) for _ in range(30)]
        for _ in range(5):
            assert httpx.get(house.url, timeout=30).text == "answered"
        assert slow[0].recv(1) == b""
        house.release.set()
        assert working.makefile("rb").read().endswith(b"answered")


def test_who_answers_is_told_that_the_client_went_away(open_house: Callable[..., House]) -> None:
    house = open_house()
    with house.connect(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        assert house.entered.wait(30)
        assert not house.gone.is_set()
    assert house.gone.wait(30)


def test_what_has_begun_is_answered_before_the_end_and_slow_ones_do_not_hold_it(
    open_house: Callable[..., House],
) -> None:
    house = open_house()
    with house.connect(b"GET /wait HTTP/1.0\r\n\r\n") as working, house.connect(HALF_A_HEAD) as slow:
        assert house.entered.wait(30)
        house.server.stop()
        wait_until(lambda: _is_refused(house), what="nothing new is taken", timeout_seconds=30)
        house.release.set()
        assert working.makefile("rb").read().endswith(b"answered")
        assert slow.recv(1) == b""
    house.thread.join(30)
    assert not house.thread.is_alive()


def test_a_request_that_never_ends_is_waited_for_only_so_long(open_house: Callable[..., House]) -> None:
    house = open_house(GRACE_SECONDS=0.2, FLUSH_SECONDS=0.2)
    with house.connect(b"GET /wait HTTP/1.0\r\n\r\n"):
        assert house.entered.wait(30)
        house.server.stop()
        house.thread.join(20)
        assert not house.thread.is_alive(), "the request itself waits for half a minute"


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n"],
    ids=["head", "body"],
)
def test_what_is_too_large_is_refused_before_it_is_read(open_house: Callable[..., House], sent: bytes) -> None:
    with open_house().connect(sent) as client:
        status = client.makefile("rb").readline()
    assert status.split()[1] in (b"431", b"413")


def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(open_house: Callable[..., House]) -> None:
    house = open_house()
    assert httpx.get(house.url, headers={"X_Name": "mallory"}).text == "answered"
    assert httpx.get(house.url, headers={"X-Name": "alice"}).text == "alice"


@pytest.mark.parametrize(("soft", "hard", "expected"), [(300, 1000, "372 1000"), (600, 600, "172 600")])
def test_the_limit_of_connections_leaves_room_for_files_and_databases(soft: int, hard: int, expected: str) -> None:
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}));"
        "from web import server; allowed = server.connections_allowed();"
        "print(allowed, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == expected


def _is_refused(house: House) -> bool:
    try:
        house.connect().close()
    except ConnectionError:
        return True
    time.sleep(0.01)
    return False
