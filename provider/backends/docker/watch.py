"""Liveness from the engine's event stream, where the kernel cannot be asked."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import requests
from docker.errors import DockerException
from docker.types import CancellableStream

from provider.backends.docker.engine import Engine
from provider.backends.docker.inspection import RUNNING_STATES, is_running, parse_time
from provider.backends.labels import LEDGER
from provider.domain.errors import BackendUnavailable

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
_EVENTS = ["start", "die", "destroy"]


class Watch:
    """Follows the engine's events about one ledger's containers in one daemon thread.

    An event is only a hint to look again: what `probe` answers was read from the engine afterwards. While the stream
    is interrupted, or silent for longer than `silence_seconds` (a hung engine sends nothing either), nothing is known
    until one listing has been read again.
    """

    def __init__(self, engine: Engine, ledger_id: str, *, silence_seconds: float) -> None:
        self._engine = engine
        self._label = f"{LEDGER}={ledger_id}"
        self._silence_seconds = silence_seconds
        self._running: dict[str, bool] = {}
        self._stream: CancellableStream[bytes] | None = None
        self._stopped = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="sandbox-ledger-watch", daemon=True)

    def start(self) -> None:
        """Start following."""
        self._thread.start()

    def probe(self, container_id: str) -> bool | None:
        """Tell what is known about a container; None in a gap, and in a forked child, which has no such thread."""
        return self._running.get(container_id) if os.getpid() == self._pid else None

    def close(self) -> None:
        """Stop following. Idempotent."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            with suppress(OSError, DockerException):
                stream.close()
        if os.getpid() == self._pid and self._thread.is_alive():
            self._thread.join(self._silence_seconds)

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                self._follow()
                pause = FIRST_PAUSE_SECONDS
            except BackendUnavailable as error:
                # Once per outage; the retries are of no interest.
                level = logging.WARNING if pause == FIRST_PAUSE_SECONDS else logging.DEBUG
                log.log(level, "lost the engine's events: %s", error, extra={"action": "watch_gap"})
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                log.exception("the watch failed; it starts again", extra={"action": "watch_failed"})
            finally:
                self._running = {}
            self._stopped.wait(pause)

    def _follow(self) -> None:
        """Follow one stream to its end."""
        # Asked for events since before the listing: one that happens between the two is not missed.
        self._stream = CancellableStream(*self._open(self._engine_time()))
        try:
            if self._stopped.is_set():
                return
            self._running = self._list()
            for line in self._stream:
                self._look_again(line)
        finally:
            with suppress(OSError, DockerException, AttributeError):
                self._stream.close()

    def _engine_time(self) -> int:
        with self._engine.asking("tell its time") as client:
            now = parse_time(client.info()["SystemTime"])
            if now is None:
                raise ValueError("no time in the answer")
            return int(now.timestamp())

    def _open(self, since: int) -> tuple[Iterator[bytes], requests.Response]:
        filters = {"type": ["container"], "event": _EVENTS, "label": [self._label]}
        with self._engine.asking("send events") as client:
            # Not by the SDK's `events`, which waits for ever: a hung engine would look like a quiet one.
            response = client.get(
                f"{client.base_url}/v{client.api_version}/events",
                params={"since": str(since), "filters": json.dumps(filters)},
                stream=True,
                timeout=(self._silence_seconds, self._silence_seconds),
            )
            response.raise_for_status()
            return response.iter_lines(chunk_size=None), response

    def _list(self) -> dict[str, bool]:
        return {
            entry["Id"]: entry.get("State") in RUNNING_STATES for entry in self._engine.list_containers(self._label)
        }

    def _look_again(self, line: bytes) -> None:
        container_id = _container_of(line)
        if container_id is None:
            return
        self._running.pop(container_id, None)
        found = self._engine.find_container(container_id)
        if found is not None:
            self._running[container_id] = is_running(found)


class WatchLiveness:
    """A probe on one container through the shared watch."""

    def __init__(self, watch: Watch, container_id: str) -> None:
        self._watch: Watch | None = watch
        self._container_id = container_id

    def probe(self) -> bool | None:
        """Tell what the watch knows; None once closed."""
        watch = self._watch
        return None if watch is None else watch.probe(self._container_id)

    def close(self) -> None:
        """Let go of the watch, which others use."""
        self._watch = None


def _container_of(line: bytes) -> str | None:
    try:
        event: dict[str, Any] = json.loads(line)
        return str(event["Actor"]["ID"])
    except (ValueError, KeyError, TypeError):
        return None  # a keep-alive blank, or a line cut off by the end of the stream
