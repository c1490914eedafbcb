"""The HTTP server: requests arrive in one loop that never waits, and only whole ones are given to a thread.

So nobody keeps a thread by sending slowly. How long a request may take to arrive, head and body together, has one
deadline that no further byte extends; and when there are too many connections, the longest silent ones make room.
"""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

NAME = "sandbox-ledger"
CONNECTION = "sandbox_ledger.connection"
"""Where the environment of a request has its `Connection`."""
BACKLOG = 1024
ARRIVAL_SECONDS = 20.0
"""From a request's first byte to its last."""
IDLE_SECONDS = 75.0
"""Between two requests of one connection."""
MOST_CONNECTIONS = 4096
SPARE_DESCRIPTORS = 256
"""For databases, files and engines."""
LARGEST_HEAD = 32 * 1024
LARGEST_BODY = 1024**2
IN_MEMORY = 64 * 1024
"""How much of a body is kept in memory; more of it goes to a file."""
GRACE_SECONDS = 10.0
"""What has begun may end within this time."""
FLUSH_SECONDS = 1.0
"""What is finished may be sent within this time, once the server ends."""
LOOK_SECONDS = 1.0


class Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    """One request that arrived whole."""

    def get_environment(self) -> WSGIEnvironment:
        """Return the environment of the request."""
        environment: WSGIEnvironment = super().get_environment()
        environment[CONNECTION] = self.channel
        return environment


class Connection(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """One client. `began_at` is when what it sends now began to arrive."""

    task_class = Task

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.began_at = time.monotonic()
        self.quiet_since = self.began_at
        self._on_close: Callable[[], None] | None = None

    def when_closed(self, call: Callable[[], None]) -> None:
        """Call this from the server's thread when the client goes away, or at once when it has."""
        self._on_close = call
        if not self.connected:
            call()

    def handle_close(self) -> None:
        """Close, and tell who waits."""
        super().handle_close()
        if self._on_close is not None:
            self._on_close()

    def received(self, data: bytes) -> bool:
        """Take what came, and note when a request began."""
        self.quiet_since = time.monotonic()
        if self.request is None:
            self.began_at = self.quiet_since
        taken: bool = super().received(data)
        return taken

    def service(self) -> None:
        """Answer the oldest request; the time between two requests counts from here."""
        super().service()
        self.quiet_since = time.monotonic()

    def is_late(self, now: float) -> bool:
        """Whether the request has not arrived in time, or none came for long."""
        if self.requests:
            return False
        if self.request is not None:
            return now - self.began_at > ARRIVAL_SECONDS
        return now - self.quiet_since > IDLE_SECONDS


class Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Serves an application on a listening socket with `threads` threads, in the thread that calls `run`."""

    channel_class = Connection

    def __init__(self, application: WSGIApplication, listener: socket.socket, threads: int) -> None:
        self._most = connections_allowed()
        self._stopping = self._ended = False
        adjustments = Adjustments(
            sockets=[listener], threads=threads, ident=NAME, backlog=BACKLOG, connection_limit=2 * self._most + 100,
            max_request_header_size=LARGEST_HEAD, max_request_body_size=LARGEST_BODY, inbuf_overflow=IN_MEMORY,
            # Who is believed about forwarded requests is decided by the application, from its own settings.
            clear_untrusted_proxy_headers=False,
            # Looks at a connection while its request is answered: so it is seen that a reader went away.
            channel_request_lookahead=1, cleanup_interval=1, log_socket_errors=False,
        )  # fmt: skip
        where = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(application, map={}, _sock=listener, adj=adjustments, sockinfo=where, bind_socket=False)

    def stop(self) -> None:
        """End `run` in order. A handler of signals may call this, as often as it likes."""
        self._stopping = True
        if not self._ended:
            self.pull_trigger()

    def run(self) -> None:
        """Serve until `stop`; then take nothing new, let what has begun end, and return."""
        self._loop_until(lambda: self._stopping, float("inf"))
        wasyncore.dispatcher.close(self)
        self._loop_until(lambda: not any(one.requests for one in self._connections()), GRACE_SECONDS)
        self._loop_until(lambda: not any(one.total_outbufs_len for one in self._connections()), FLUSH_SECONDS)
        self.task_dispatcher.shutdown(timeout=FLUSH_SECONDS)
        self._ended = True
        for connection in self._connections():
            connection.handle_close()
        if not self.task_dispatcher.threads:  # a thread that still works may yet pull it
            self.trigger.close()

    def handle_accept(self) -> None:
        """Take a connection, in the place of another one where there are too many."""
        if len(self.active_channels) >= self._most:
            self._make_room()
        super().handle_accept()

    def maintenance(self, now: float) -> None:
        """Close the connections that are late."""
        at = time.monotonic()
        for connection in self._connections():
            if connection.is_late(at):
                connection.will_close = True

    def _make_room(self) -> None:
        idle = (one for one in self._connections() if not (one.requests or one.total_outbufs_len or one.will_close))
        longest = min(idle, key=lambda one: one.began_at, default=None)
        if longest is not None:
            longest.will_close = True

    def _connections(self) -> list[Connection]:
        return list(self.active_channels.values())

    def _loop_until(self, is_done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_done() and time.monotonic() < deadline:
            wasyncore.loop(timeout=min(LOOK_SECONDS, seconds), map=self._map, use_poll=True, count=1)


def connections_allowed() -> int:
    """Return how many connections this process can have open, after raising its own limit as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS + SPARE_DESCRIPTORS
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    # A large body has a file beside its connection.
    return max(16, min(MOST_CONNECTIONS, (most - SPARE_DESCRIPTORS) // 2))
