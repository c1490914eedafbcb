"""The dashboard for tests: a ledger with a history, a test client, and a real server in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from provider import SandboxProvider, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.testing import FakeBackend
from web import create_app
from web.application import EXTENSION

PATIENCE_SECONDS = 30


@dataclass
class Fleet:
    """A ledger on a real database, with one worker on a fake engine; `ids` tells which sandbox became what."""

    url: str
    engine: FakeBackend
    provider: SandboxProvider
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration as a mapping; the dashboard listens on a free port of the loopback."""
        return configuration(self.url)

    @property
    def settings(self) -> Settings:
        """The configuration as values."""
        return load_settings(self.configuration)

    def acquire(self, thread: str, user: str | None = None) -> str:
        """Start a sandbox for a thread, or take its warm one."""
        return self.provider.acquire(thread, user_id=user)

    def crash(self, sandbox_id: str, exit_code: int = 137, *, oom: bool = False) -> None:
        """Kill the container, and let the worker find that out."""
        self.engine.kill(sandbox_id, exit_code, oom)
        assert self.provider.get(sandbox_id) is None

    def live_through_everything(self) -> None:
        """Make one sandbox of each kind: active, warm, crashed, oom, restarted and destroyed."""
        for kind in ("active", "warm", "crashed", "oom", "restarted", "destroyed"):
            self.ids[kind] = self.acquire(kind, "alice")
        self.provider.release(self.ids["warm"])
        self.crash(self.ids["crashed"])
        self.crash(self.ids["oom"], oom=True)
        self.crash(self.ids["restarted"], exit_code=1)
        self.acquire("restarted", "alice")
        self.provider.destroy(self.ids["destroyed"])


def configuration(url: str, **web: object) -> dict[str, Any]:
    """Make a configuration as a mapping; `web` changes keys of its section."""
    return {
        "database": {"url": url},
        "sandbox": {"backend": "process", "replicas": 100},
        "sweeper": {"enabled": False},
        "web": {"port": 0, **web},
    }


@contextlib.contextmanager
def open_fleet(url: str) -> Iterator[Fleet]:
    """Open an empty ledger with a worker."""
    settings = load_settings(configuration(url))
    store = open_store(settings)
    engine = FakeBackend(store.ledger_id)
    store.close()
    with open_provider(settings, backend=engine) as provider:
        yield Fleet(url, engine, provider)


@contextlib.contextmanager
def open_app(settings: object) -> Iterator[Flask]:
    """Make the dashboard in this process, and close it."""
    app = create_app(settings)  # type: ignore[arg-type]
    app.testing = True
    try:
        yield app
    finally:
        app.extensions[EXTENSION].close()


class WebServer:
    """`sandbox-ledger serve` in a process of its own, on a free port of the loopback."""

    def __init__(self, directory: Path, settings: dict[str, Any]) -> None:
        config = directory / "web-config.yaml"
        config.write_text(json.dumps(settings))  # JSON is YAML
        self.process = subprocess.Popen(
            [sys.executable, "-m", "provider.cli", "--config", str(config), "serve"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = self._wait_for_url()

    def stop(self) -> int:
        """End it as a service manager does, and return its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait for its end; one that does not come is a failure, and is forced."""
        try:
            return self.process.wait(timeout=PATIENCE_SECONDS)
        finally:
            self.process.kill()
            if self.process.stderr is not None:
                self.process.stderr.close()

    def _wait_for_url(self) -> str:
        """Read the URL that the server tells once it answers."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if "dashboard http" in line:
                return line.split("dashboard ", 1)[1].strip().rstrip("/")
        self.wait()
        raise AssertionError("the dashboard did not start: " + "".join(seen))


@contextlib.contextmanager
def serving(directory: Path, settings: dict[str, Any]) -> Iterator[WebServer]:
    """Serve for as long as a block runs."""
    server = WebServer(directory, settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def empty_fleet(database_url: str) -> Iterator[Fleet]:
    """A ledger without a sandbox, on each database."""
    with open_fleet(database_url) as fleet:
        yield fleet


@pytest.fixture
def fleet(empty_fleet: Fleet) -> Fleet:
    """A ledger in which everything has happened once, on each database."""
    empty_fleet.live_through_everything()
    return empty_fleet


@pytest.fixture
def web_app(fleet: Fleet) -> Iterator[Flask]:
    """The dashboard over a ledger in which everything has happened once, in this process."""
    with open_app(fleet.settings) as app:
        yield app


@pytest.fixture
def web_client(web_app: Flask) -> FlaskClient:
    """A client of that dashboard."""
    return web_app.test_client()


@pytest.fixture
def web_server(fleet: Fleet, tmp_path: Path) -> Iterator[WebServer]:
    """A real server over a ledger in which everything has happened once."""
    with serving(tmp_path, fleet.configuration) as server:
        yield server
