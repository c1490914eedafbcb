"""Keep a connection within one deadline: a limit for each read alone lets a server drip for ever."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


def remaining(deadline: float) -> float:
    """Return the seconds until `deadline` (of `time.monotonic`); raise `TimeoutError` when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def connect(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of a host that answers, all tries together within the deadline."""
    problem: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(remaining(deadline))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


def send_all(connection: socket.socket, data: ReadableBuffer, deadline: float) -> None:
    """Send all bytes before the deadline, however slowly the other side takes them."""
    view = memoryview(data)
    while view:
        connection.settimeout(remaining(deadline))
        view = view[connection.send(view) :]


class DeadlineSocket(socket.socket):
    """A connected socket for `http.client`, with the deadline of all that is sent and received together."""

    deadline = 0.0

    @classmethod
    def connect_to(cls, host: str, port: int, deadline: float) -> DeadlineSocket:
        """Connect, and take the deadline for everything that follows."""
        connection = cls(fileno=connect(host, port, deadline).detach())
        connection.deadline = deadline
        return connection

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """Send all bytes before the deadline."""
        send_all(self, data, self.deadline)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive what there is, before the deadline."""
        self.settimeout(remaining(self.deadline))
        return super().recv_into(buffer, nbytes, flags)
