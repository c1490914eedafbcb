"""Serving: gunicorn with threads, never a development server."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from provider.config.settings import Settings
from provider.domain.errors import SandboxError
from web.application import EXTENSION, create_app
from web.security.access import open_access

GRACE_SECONDS = 10
BACKLOG = 128


class ServeError(SandboxError):
    """The dashboard cannot be served; the message says where and what to do."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Ends the streams when it is told to end: they would hold it for as long as it waits for requests."""

    def init_process(self) -> None:
        """Serve, without telling everybody by what."""
        wsgi.SERVER = "sandbox-ledger"
        super().init_process()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end in order."""
        self._end_streams()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """End at once."""
        self._end_streams()
        super().handle_quit(sig, frame)

    def _end_streams(self) -> None:
        application: Flask = self.wsgi
        application.extensions[EXTENSION].leave()


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One server process with threads; `run` returns when SIGTERM or SIGINT has ended it in order."""

    def __init__(self, settings: Settings, descriptor: int, when_ready: Callable[[], None]) -> None:
        self._settings = settings
        self._descriptor = descriptor
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn how to serve."""
        options = {
            "bind": f"fd://{self._descriptor}",
            "worker_class": Worker,
            "workers": 1,
            "threads": self._settings.web.threads,
            "graceful_timeout": GRACE_SECONDS,
            "worker_tmp_dir": _memory_directory(),
            "accesslog": None,
            "loglevel": "warning",
            "when_ready": lambda _: self._when_ready(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application, in the process that serves it."""
        return create_app(self._settings)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve the dashboard until SIGTERM or SIGINT; `announce` is told the URL once it answers.

    Raise `ServeError` when the address cannot be had, `ConfigError` for a configuration that cannot work. Gunicorn ends
    the process with `SystemExit`.
    """
    open_access(settings.web)  # what is wrong is said here, once, and not by every process that gunicorn starts
    listener = listen(settings.web.host, settings.web.port)
    url = url_of(listener, settings.web.host)
    Server(settings, listener.detach(), lambda: announce(url)).run()


def listen(host: str, port: int) -> socket.socket:
    """Take the address, or say why it cannot be had. Port 0 takes a free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        message = f"dashboard {host}:{port}: cannot listen: {error.strerror}; end what listens there, or set web.port"
        raise ServeError(message) from error
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """Make the URL for people to open."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}/"


def _memory_directory() -> str | None:
    """Find a place in memory for the file by which a worker says that it lives: a disk may stall."""
    shared = Path("/dev/shm")  # noqa: S108
    return str(shared) if shared.is_dir() and os.access(shared, os.W_OK) else None
