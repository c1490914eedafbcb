"""Carry requests to one sandbox: a connection pool made at first use, deadlines, and errors that say what to do.

httpcore is imported at first use as well: it takes longer than starting a sandbox, and an acquire needs no call.
"""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from provider.domain.errors import AnswerTooLarge, SandboxError, SandboxGone, SandboxTimeout
from provider.sandbox.routing import find_proxy

if TYPE_CHECKING:
    import httpcore

CONNECT_SECONDS = 5.0
# Servers close idle connections (uvicorn after 5 s); one that is closed while a request leaves looks like a crash.
KEEPALIVE_SECONDS = 4.0
JSON_LIMIT = 8 * 1024 * 1024


class Transport:
    """The connections to one sandbox, safe to use from many threads and after a fork."""

    def __init__(self, base_url: str, sandbox_id: str, token: str | None = None) -> None:
        self._token = token
        self._base_url = base_url
        self._sandbox_id = sandbox_id
        self._lock = threading.Lock()
        self._pool: httpcore.ConnectionPool | None = None
        self._pool_pid = 0
        self._closed = False

    def send(
        self,
        method: str,
        path: str,
        *,
        deadline: float,
        body: Mapping[str, Any] | None = None,
        sink: BinaryIO | None = None,
        max_bytes: int = JSON_LIMIT,
    ) -> tuple[int, bytes]:
        """Send a request once, never again; return status and body.

        With a `sink` the body of a 200 goes there, block by block. All of it happens before `deadline` (of
        `time.monotonic`): connecting, sending, waiting, reading; then the connection is closed. Raise `SandboxGone`
        when nobody answers there, `SandboxTimeout` at the deadline, and `AnswerTooLarge` for a body of more than
        `max_bytes`.
        """
        started_at = time.monotonic()
        pool = self._pool_of_this_process()
        content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        call = f"{method} {path.partition('?')[0]}"
        with (
            self._named_errors(call, deadline - started_at),
            pool.stream(
                method,
                self._base_url + path,
                headers=self._headers(has_body=content is not None),
                content=content,
                extensions={"timeout": _deadlines(deadline)},
            ) as response,
        ):
            into = sink if sink is not None and response.status == 200 else None
            limit = max_bytes if into is not None or sink is None else JSON_LIMIT
            return response.status, self._read(response, into, limit, deadline)

    def close(self) -> None:
        """Close all connections; safe to call twice. Calls under way fail."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None and self._pool_pid == os.getpid():
            pool.close()

    def _headers(self, *, has_body: bool) -> list[tuple[bytes | str, bytes | str]]:
        host = urlsplit(self._base_url).netloc.rpartition("@")[2]
        headers: list[tuple[bytes | str, bytes | str]] = [("Host", host), ("Accept-Encoding", "identity")]
        if self._token is not None:
            headers.append(("Authorization", f"Bearer {self._token}"))
        return [*headers, ("Content-Type", "application/json")] if has_body else headers

    def _read(self, response: httpcore.Response, sink: BinaryIO | None, limit: int, deadline: float) -> bytes:
        declared = next((value for name, value in response.headers if name.lower() == b"content-length"), b"")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise AnswerTooLarge(self._sandbox_id, limit)
        body = io.BytesIO()
        size = 0
        for block in response.iter_stream():
            size += len(block)
            if size > limit:
                raise AnswerTooLarge(self._sandbox_id, limit)
            if time.monotonic() > deadline:  # a block may hold thousands of chunks
                raise TimeoutError
            (body if sink is None else sink).write(block)
        return body.getvalue()

    def _pool_of_this_process(self) -> httpcore.ConnectionPool:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._pool is None or self._pool_pid != os.getpid():  # a forked child must not share sockets
                self._pool = self._make_pool()
                self._pool_pid = os.getpid()
            return self._pool

    def _make_pool(self) -> httpcore.ConnectionPool:
        import httpcore

        from provider.sandbox.network import DeadlineBackend

        return httpcore.ConnectionPool(
            proxy=_proxy_of(self._base_url),
            network_backend=DeadlineBackend(lambda: self._closed),
            max_connections=None,
            max_keepalive_connections=8,
            keepalive_expiry=KEEPALIVE_SECONDS,
        )

    @contextmanager
    def _named_errors(self, call: str, timeout: float) -> Iterator[None]:
        import httpcore

        try:
            yield
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as error:
            if self._closed:
                raise self._closed_error() from error
            if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
                raise self._gone(f"nobody answers at {self._base_url} ({error}); the call was not made") from error
            if isinstance(error, httpcore.TimeoutException | TimeoutError):
                raise SandboxTimeout(self._sandbox_id, call, timeout) from error
            if isinstance(error, httpcore.NetworkError | httpcore.RemoteProtocolError):
                raise self._gone(f"the connection broke during {call} ({error}); it may have been done") from error
            raise SandboxError(f"sandbox {self._sandbox_id}: {call} failed: {error}") from error

    def _gone(self, what: str) -> SandboxGone:
        return SandboxGone(self._sandbox_id, f"{what}; call acquire() again for a running sandbox")

    def _closed_error(self) -> SandboxGone:
        return SandboxGone(
            self._sandbox_id, "this object was closed, maybe because its container is gone; call get() for a new one"
        )


def _deadlines(deadline: float) -> dict[str, float]:
    connect_by = min(deadline, time.monotonic() + CONNECT_SECONDS)
    return {"connect": connect_by, "read": deadline, "write": deadline}


def _proxy_of(url: str) -> httpcore.Proxy | None:
    import httpcore

    proxy = find_proxy(url)
    if proxy is None:
        return None
    parts = urlsplit(proxy)
    account, _, address = parts.netloc.rpartition("@")
    name, _, password = account.partition(":")
    auth = (unquote(name), unquote(password)) if account else None
    return httpcore.Proxy(f"{parts.scheme}://{address}", auth=auth)
