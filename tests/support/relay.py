"""A relay in front of an engine: it passes everything on, answers in its place or not at all, or is not there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EngineRelay:
    """Listens on a socket of its own. What it does holds for connections old and new."""

    def __init__(self, path: Path, engine: str) -> None:
        self._path = path
        self._engine = engine.removeprefix("unix://")
        self._answer: bytes | None = None
        self._is_silent = False
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
        """End all connections and take no more, until `listen`."""
        self._path.unlink(missing_ok=True)
        if self._listener is not None:
            _shut(self._listener)  # wakes up the thread that waits for connections
        self._end_connections()

    def pass_on(self) -> None:
        """Let the engine answer."""
        self._switch(None, is_silent=False)

    def answer(self, status: str, message: str) -> None:
        """Answer every request with this status and the engine's form of an error."""
        body = f'{{"message": "{message}"}}'
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._switch(f"{head}Connection: close\r\n\r\n{body}".encode(), is_silent=False)

    def fall_silent(self) -> None:
        """Take requests and answer none."""
        self._switch(None, is_silent=True)

    def _switch(self, answer: bytes | None, *, is_silent: bool) -> None:
        self._answer, self._is_silent = answer, is_silent
        self._end_connections()

    def _end_connections(self) -> None:
        while self._open:
            _shut(self._open.pop())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self._open.append(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        if self._is_silent:
            return  # closed with all the others
        if self._answer is not None:
            _reply(near, self._answer)
            return
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._engine)
        self._open.append(far)
        threading.Thread(target=_pump, args=(far, near), daemon=True).start()
        _pump(near, far)


def _reply(near: socket.socket, answer: bytes) -> None:
    try:
        near.recv(65536)
        near.sendall(answer)
    except OSError:
        pass
    finally:
        _shut(near)


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
def relaying(path: Path, engine: str) -> Iterator[EngineRelay]:
    """Give a relay to an engine."""
    relay = EngineRelay(path, engine)
    relay.listen()
    try:
        yield relay
    finally:
        relay.cut()
