"""A relay in front of the engine, for cutting its connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.docker_engine import EngineAddress


class Relay:
    """Passes bytes between a socket of its own and the engine's, until the test cuts it."""

    def __init__(self, path: Path, engine: str) -> None:
        self._path = path
        self._engine = engine.removeprefix("unix://")
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"unix://{self._path}"

    def listen(self) -> None:
        """Take connections."""
        listener = self._listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen()
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """End all connections and take no more."""
        self._path.unlink(missing_ok=True)
        if self._listener is not None:
            _shut(self._listener)  # wakes up the thread that waits for connections
        for one in self._open:
            _shut(one)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine)
            self._open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
    except OSError:
        pass
    finally:
        _shut(source)
        _shut(target)


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        one.close()


@contextmanager
def relaying(directory: Path, engine: EngineAddress) -> Iterator[Relay]:
    """Give a relay to the engine."""
    relay = Relay(directory / "relay.sock", engine.base_url)
    relay.listen()
    try:
        yield relay
    finally:
        relay.cut()
