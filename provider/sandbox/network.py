"""The network below httpcore's pool: here the timeouts of a request are deadlines.

httpcore hands the numbers of a request's `timeout` extension unchanged to every connect, read and write, and each of
these may wait that long. A point of `time.monotonic` in their place bounds all of them together.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

from provider.sandbox.deadline import connect, remaining, send_all


class DeadlineStream(httpcore.NetworkStream):
    """One connection; every `timeout` is a deadline of `time.monotonic`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is, before the deadline."""
        with _as_httpcore(httpcore.ReadTimeout, httpcore.ReadError):
            self._connection.settimeout(remaining(_given(timeout)))
            return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it, before the deadline."""
        with _as_httpcore(httpcore.WriteTimeout, httpcore.WriteError):
            send_all(self._connection, buffer, _given(timeout))

    def close(self) -> None:
        """Close the connection; a thread that waits for it wakes at once."""
        with suppress(OSError):  # the other side was faster
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> DeadlineStream:
        """Go on in TLS, the handshake before the deadline."""
        if isinstance(self._connection, ssl.SSLSocket):
            raise httpcore.ConnectError("an https:// proxy cannot carry an https:// sandbox; use an http:// proxy")
        with _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError):
            self._connection.settimeout(remaining(_given(timeout)))  # of the whole handshake
            return DeadlineStream(ssl_context.wrap_socket(self._connection, server_hostname=server_hostname))

    def get_extra_info(self, info: str) -> Any:
        """Answer what the pool asks: whether an idle connection has been closed by the other side."""
        if info == "is_readable":
            return _is_readable(self._connection)
        if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket):
            return self._connection
        return None


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects with deadlines, and no more once `is_closed`."""

    def __init__(self, is_closed: Callable[[], bool]) -> None:
        self._is_closed = is_closed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> DeadlineStream:
        """Connect before the deadline."""
        with _as_httpcore(httpcore.ConnectTimeout, httpcore.ConnectError):
            stream = DeadlineStream(connect(host, port, _given(timeout)))
        if self._is_closed():
            stream.close()
            raise httpcore.ConnectError("closed meanwhile")
        return stream


def _given(deadline: float | None) -> float:
    if deadline is None:
        raise ValueError("a request without a deadline")
    return deadline


@contextmanager
def _as_httpcore(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except OSError as error:
        raise failure(str(error)) from error


def _is_readable(connection: socket.socket) -> bool:
    if connection.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
