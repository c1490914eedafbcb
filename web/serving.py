"""Serving: one process with threads, behind a loop that slow clients cannot hold up; never a development server."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from provider.config.settings import Settings
from provider.domain.errors import SandboxError
from web.application import EXTENSION, create_app
from web.server import Server
from web.services import Services


class ServeError(SandboxError):
    """The dashboard cannot be served; the message says where and what to do."""


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve the dashboard until SIGTERM or SIGINT; `announce` is told the URL once it answers.

    Call it in the main thread. Raise `ServeError` when the address cannot be had, `ConfigError` for a configuration
    that cannot work.
    """
    app = create_app(settings)
    services: Services = app.extensions[EXTENSION]
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that some requests wait for a thread is no news
    with listen(settings.web.host, settings.web.port) as listener:
        url = url_of(listener, settings.web.host)
        server = Server(app, listener, settings.web.threads)
        with _ended_by_signals(server, services):
            announce(url)
            server.run()
    services.close()


@contextmanager
def _ended_by_signals(server: Server, services: Services) -> Iterator[None]:
    """End the streams at once, which would hold the server for as long as it waits for requests, then the server."""

    def end(number: int, frame: FrameType | None) -> None:
        services.leave()
        server.stop()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address, or say why it cannot be had. Port 0 takes a free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        message = f"dashboard {host}:{port}: cannot listen: {error.strerror}; end what listens there, or set web.port"
        raise ServeError(message) from error
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """Return the URL for people to open."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}/"
