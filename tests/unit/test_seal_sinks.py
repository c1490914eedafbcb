"""A seal goes to a file, a program and a web address, and what did not take it is named without its secrets."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider.archive.seal_file import SealFile
from provider.archive.seal_sinks import SealNotDelivered
from provider.domain.log import ChainPoint
from provider.domain.seals import format_seal, make_seal

SEAL = make_seal("00000000-0000-4000-8000-000000000009", ChainPoint(7, "a" * 64), None)
LINE = f"{format_seal(SEAL)}\n"


@pytest.fixture
def posted() -> Iterator[tuple[str, list[str]]]:
    """An address that takes what is posted, but for `/no`, and what it took."""
    taken: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(403 if self.path.startswith("/no") else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()
        thread.join()


def test_every_sink_gets_the_line_that_seal_prints(tmp_path: Path, posted: tuple[str, list[str]]) -> None:
    address, taken = posted
    sinks = [str(tmp_path / "sink.txt"), f"| tee {tmp_path / 'command.txt'}", f"{address}/seals"]
    SealFile(tmp_path / "kept.txt", sinks).keep(SEAL)
    SealFile(tmp_path / "kept.txt", sinks).keep(SEAL)
    assert (tmp_path / "sink.txt").read_text() == 2 * LINE
    assert (tmp_path / "sink.txt").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "command.txt").read_text() == LINE
    assert taken == [LINE, LINE]


def test_one_that_fails_is_named_and_the_others_get_it(tmp_path: Path, posted: tuple[str, list[str]]) -> None:
    address, taken = posted
    sinks = ["/nowhere/seals.txt", "| false --token=hunter2", "| /no/such/program", f"{address}/no?key=hunter2",
             f"{address}/seals"]  # fmt: skip
    file = SealFile(tmp_path / "kept.txt", sinks)
    with pytest.raises(SealNotDelivered) as raised:
        file.keep(SEAL)
    told = str(raised.value)
    for part in (
        "/nowhere/seals.txt: No such file",
        "false: it exited with 1",
        "/no/such/program: No such file",
        "127.0.0.1: it answered 403",
    ):
        assert part in told
    assert "hunter2" not in told
    assert (file.last(), taken) == (SEAL, [LINE, LINE])
