"""Carry requests to one sandbox: a connection pool made at first use, and errors that say what to do.

httpx is imported at first use as well: it takes longer than starting a sandbox, and an acquire needs no call.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from provider.domain.errors import SandboxError, SandboxGone
from provider.sandbox.routing import is_direct

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
# Servers close idle connections (uvicorn after 5 s); one that is closed while a request leaves looks like a crash.
KEEPALIVE_SECONDS = 4.0


class Transport:
    """The connections to one sandbox, safe to use from many threads and after a fork."""

    def __init__(self, base_url: str, sandbox_id: str) -> None:
        self._base_url = base_url
        self._sandbox_id = sandbox_id
        self._lock = threading.Lock()
        self._pool: httpx.Client | None = None
        self._pool_pid = 0
        self._closed = False

    def send(self, method: str, path: str, *, timeout: float, max_bytes: int, **content: Any) -> tuple[int, bytes]:
        """Send a request once, never again; return status and body.

        Raise `SandboxGone` when nobody answers there, `TimeoutError` after `timeout` seconds without an answer, and
        `OSError` (EFBIG) for a body of more than `max_bytes`.
        """
        pool = self._pool_of_this_process()
        import httpx

        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        with (
            self._named_errors(httpx, f"{method} {path}", timeout),
            pool.stream(method, path, timeout=limits, **content) as response,
        ):
            return response.status_code, _read_body(response, max_bytes, self._sandbox_id)

    def close(self) -> None:
        """Close all connections; safe to call twice. Calls under way fail."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None and self._pool_pid == os.getpid():
            pool.close()

    def _pool_of_this_process(self) -> httpx.Client:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self._pool is None or self._pool_pid != os.getpid():  # a forked child must not share sockets
                self._pool = self._make_pool()
                self._pool_pid = os.getpid()
            return self._pool

    def _make_pool(self) -> httpx.Client:
        import httpx

        return httpx.Client(
            base_url=self._base_url,
            trust_env=not is_direct(self._base_url),
            headers={"Accept-Encoding": "identity"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=KEEPALIVE_SECONDS),
        )

    @contextmanager
    def _named_errors(self, httpx: Any, call: str, timeout: float) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            if self._closed:
                raise self._closed_error() from error
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                raise self._gone(f"nobody answers at {self._base_url} ({error}); the call was not made") from error
            if isinstance(error, httpx.TimeoutException):
                raise TimeoutError(
                    f"sandbox {self._sandbox_id}: no answer to {call} within {timeout:g} s; it may still be at work"
                ) from error
            if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
                raise self._gone(f"the connection broke during {call} ({error}); it may have been done") from error
            raise SandboxError(f"sandbox {self._sandbox_id}: {call} failed: {error}") from error
        except RuntimeError as error:
            if not self._closed:
                raise
            raise self._closed_error() from error  # closed between the look at the pool and the request

    def _gone(self, what: str) -> SandboxGone:
        return SandboxGone(self._sandbox_id, f"{what}; call acquire() again for a running sandbox")

    def _closed_error(self) -> SandboxGone:
        return SandboxGone(
            self._sandbox_id, "this object was closed, maybe because its container is gone; call get() for a new one"
        )


def _read_body(response: httpx.Response, max_bytes: int, sandbox_id: str) -> bytes:
    body = bytearray()
    for block in response.iter_raw():
        body += block
        if len(body) > max_bytes:
            raise OSError(errno.EFBIG, f"sandbox {sandbox_id}: the answer has more than {max_bytes} bytes")
    return bytes(body)
