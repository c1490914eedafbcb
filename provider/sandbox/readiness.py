"""Wait until a new sandbox answers; on `http.client`, which knows no proxies and loads faster than httpcore."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from provider.sandbox.bounded_json import UnfitJson, parse_object
from provider.sandbox.deadline import DeadlineSocket

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.5
PAUSE_SHARE = 0.05  # of the time waited so far: the last pause never adds more than that to a start
TRY_SECONDS = 2.0
CHECK_SECONDS = 0.25  # between two calls of `still_running`, which may ask the engine
IDENTITY_PATH = "/v1/sandbox"
IDENTITY_LIMIT = 64 * 1024


class StoppedWhileStarting(Exception):
    """The process or container ended before it was ready."""


class AnotherSandbox(Exception):
    """Whoever answers at the address does not say that it is this sandbox."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Who has to answer, and the token that it asks for."""

    token: str
    sandbox_id: str
    generation: int

    def check(self, url: str, by: float) -> str | None:
        """Ask who answers; return what went wrong, or None. Raise `AnotherSandbox` for anybody else."""
        body: list[bytes] = []
        problem = _probe(url, IDENTITY_PATH, by, self.token, body)
        if problem:
            return problem
        try:
            answer = parse_object(b"".join(body))
        except UnfitJson as error:
            raise AnotherSandbox(f"{url}{IDENTITY_PATH} answers with {error}") from None
        if (answer.get("sandbox"), answer.get("generation")) != (self.sandbox_id, self.generation):
            raise AnotherSandbox(
                f"{url}{IDENTITY_PATH} does not answer as generation {self.generation} of this sandbox"
            )
        return None


def wait_until_ready(
    url: str,
    *,
    deadline: float,
    still_running: Callable[[], bool],
    path: str = IDENTITY_PATH,
    successes: int = 1,
    expected: Expected | None = None,
) -> float:
    """Poll until `successes` answers in a row are good (2xx), and who is `expected` answers; return the seconds waited.

    Raise `StoppedWhileStarting` once `still_running` says no, `AnotherSandbox` when another one answers, else
    `TimeoutError` at `deadline` (of `time.monotonic`).
    """
    started_at = time.monotonic()
    check_at = started_at + CHECK_SECONDS
    good = 0
    while True:
        now = time.monotonic()
        by = min(now + TRY_SECONDS, max(now + 0.05, deadline))
        problem = _probe(url, path, by, expected.token if expected else None)
        if problem is None and good + 1 >= successes and expected:
            problem = expected.check(url, by)
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


def _probe(url: str, path: str, by: float, token: str | None, body: list[bytes] | None = None) -> str | None:
    """Ask once, until `by` (of `time.monotonic`); return what is wrong with the answer, or None.

    The answer's body is read where there is a `body` to put it into.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    connection = HTTPConnection(host, port)
    headers = {"Connection": "close", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        connection.sock = DeadlineSocket.connect_to(host, port, by)
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as response:
            if not 200 <= response.status < 300:
                return f"HTTP {response.status}"
            if body is not None:
                body.append(response.read(IDENTITY_LIMIT))
            return None
    except (OSError, HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
