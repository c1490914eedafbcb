"""A server on a Unix socket that answers like an engine, as wrongly as a test wants it."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Answer = tuple[int, Any]
_NETWORK = {"Id": "0" * 64, "Created": "", "Options": {"com.docker.network.bridge.enable_icc": "false"}}
# What no script is about.
_ANSWERS: dict[str, tuple[int, Any]] = {"/version": (200, {"ApiVersion": "1.41"}), "/networks": (200, [_NETWORK])}
Script = Callable[[str, str], Answer | None]


class ScriptedEngine:
    """Serves `script(method, path)` (path without version and query) as (status, body).

    None from the script means: hang until the engine is closed. A body that is not text is sent as JSON.
    """

    def __init__(self, directory: Path, script: Script) -> None:
        self._socket = directory / "engine.sock"
        self._script = script
        self._closed = threading.Event()
        self._server = _Server(str(self._socket), self._make_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"unix://{self._socket}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                engine.answer(self)

            do_POST = do_DELETE = do_GET  # noqa: N815 -- the names are given

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is given
                """Say nothing."""

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Serve one request."""
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        path = request.path.partition("?")[0]
        path = path.partition("/v1.41")[2] or path
        answer = _ANSWERS.get(path) or self._script(request.command, path)
        if answer is None:
            self._closed.wait(60)
            request.close_connection = True
            return
        status, body = answer
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        request.send_response(status)
        request.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        connection, _ = super().get_request()
        return connection, ("client", 0)
