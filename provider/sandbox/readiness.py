"""Wait until a new sandbox answers; on `http.client`, which knows no proxies and loads faster than httpcore."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from provider.sandbox.deadline import DeadlineSocket

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.5
PAUSE_SHARE = 0.05  # of the time waited so far: the last pause never adds more than that to a start
TRY_SECONDS = 2.0
CHECK_SECONDS = 0.25  # between two calls of `still_running`, which may ask the engine


class StoppedWhileStarting(Exception):
    """The process or container ended before it was ready."""


def wait_until_ready(
    url: str,
    *,
    deadline: float,
    still_running: Callable[[], bool],
    path: str = "/v1/sandbox",
    successes: int = 1,
) -> float:
    """Poll until `successes` answers in a row are good (2xx); return the seconds waited.

    Raise `StoppedWhileStarting` once `still_running` says no, else `TimeoutError` at `deadline` (of `time.monotonic`).
    """
    started_at = time.monotonic()
    check_at = started_at + CHECK_SECONDS
    good = 0
    while True:
        problem = _probe(url, path, min(TRY_SECONDS, max(0.05, deadline - time.monotonic())))
        good = 0 if problem else good + 1
        now = time.monotonic()
        if good >= successes:
            return now - started_at
        if problem and now >= check_at:
            if not still_running():
                raise StoppedWhileStarting(f"ended before it answered {url}{path} (last: {problem})")
            check_at = time.monotonic() + CHECK_SECONDS
        pause = min(max(FIRST_PAUSE_SECONDS, PAUSE_SHARE * (now - started_at)), LONGEST_PAUSE_SECONDS)
        if now + pause >= deadline:
            raise TimeoutError(
                f"not ready in {now - started_at:.1f} s: {url}{path}: {problem or 'too few answers yet'}"
            )
        time.sleep(pause)


def _probe(url: str, path: str, timeout: float) -> str | None:
    """Ask once, for no longer than `timeout`; return what is wrong with the answer, or None."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    connection = HTTPConnection(host, port)
    try:
        connection.sock = DeadlineSocket.connect_to(host, port, time.monotonic() + timeout)
        connection.request("GET", path, headers={"Connection": "close"})
        with connection.getresponse() as response:
            return None if 200 <= response.status < 300 else f"HTTP {response.status}"
    except (OSError, HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
