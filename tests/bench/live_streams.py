"""What 50 open pages cost a server: CPU time of its processes against the time that passed, while a worker commits."""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.append import appends
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.lives import make_identity
from tests.bench.stage import Stage
from tests.support.processes import find_children
from tests.support.web import configuration, serving

STREAMS = 50
COMMITS_PER_SECOND = 2
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def open_stream(url: str) -> Iterator[socket.socket]:
    """Open a stream as a browser does, and leave what comes unread."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(f"GET /live HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 "), "the stream was refused"
        yield connection


def cpu_seconds(pid: int) -> float:
    """Tell the CPU time of a process and its children so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(cpu_seconds(child) for child in find_children(pid))


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Open the streams, commit, and look at the clock of the server's processes."""
    seconds, store = 3.0 if stage.quick else 30.0, stage.new_store(dialect)
    works = appends(store, (make_identity(number, "live") for number in itertools.count()))
    settings = configuration(store.database.url, threads=2 * STREAMS + 8)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serving(directory, settings))
        connections = [stack.enter_context(open_stream(server.url)) for _ in range(STREAMS)]
        time.sleep(1.0)  # the threads are started, and the first hints are sent
        told = _read_all(connections)
        before, began = cpu_seconds(server.process.pid), time.monotonic()
        while time.monotonic() - began < seconds:
            next(works)()
            time.sleep(1 / COMMITS_PER_SECOND)
        spent, passed = cpu_seconds(server.process.pid) - before, time.monotonic() - began
        told = _read_all(connections)
    assert told.count(b"event: change") >= STREAMS, "the streams told nothing"
    against = f"{spent:.2f} s of CPU in {passed:.1f} s; {told.count(b'event: change')} hints to {STREAMS} streams"
    return {f"live_streams_{dialect}": Reading(100 * spent / passed, against)}


def _read_all(connections: list[socket.socket]) -> bytes:
    parts = []
    for connection in connections:
        connection.setblocking(False)
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except BlockingIOError:
            continue
    return b"".join(parts)


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claim = Claim(f"live_streams_{dialect}", "% of a core", Goal("<=", 5))
    return Benchmark(f"live_streams_{dialect}", (claim,), lambda stage: run(stage, dialect))
