"""The fixture `crew`: an empty ledger for many worker processes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.many_workers.crew import Crew


@pytest.fixture
def crew_engine() -> str:
    """Which engine the crew works on; a test may say another one (`file`, `process`, `docker`)."""
    return "file"


@pytest.fixture
def crew(
    request: pytest.FixtureRequest,
    database_url: str,
    crew_engine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Crew]:
    """Give an empty ledger and an engine; at the end all workers are gone and the ledger is checked."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    sandbox: dict[str, object] = {}
    if crew_engine == "process":
        sandbox = {"backend": "process", "stop_timeout": 1}
    elif crew_engine == "docker":
        address = request.getfixturevalue("docker_engine").base_url
        image = request.getfixturevalue("sandbox_image")
        # The engine is shared with tests whose sandboxes have the same ids.
        prefix = f"crew-{secrets.token_hex(4)}"
        sandbox = {
            "engine": address, "image": image, "container_prefix": prefix, "stop_timeout": 1, "engine_timeout": 30,
        }  # fmt: skip
    made = Crew(database_url, tmp_path, crew_engine, sandbox)
    yield made
    made.close()


DATABASES = {"file": ("sqlite", "postgres"), "process": ("sqlite",), "docker": ("postgres",)}
"""Over which databases an engine is tried where there are several; tests/support/acceptance/choosing.py says why."""
MARKS = {"postgres": pytest.mark.postgres, "docker": pytest.mark.docker}


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these engines; on a single one over both databases."""
    pairs = [
        pytest.param(database, engine, marks=[MARKS[name] for name in (database, engine) if name in MARKS])
        for engine in engines
        for database in (DATABASES[engine] if engines[1:] else DATABASES["file"])
    ]
    return pytest.mark.parametrize(("database_url", "crew_engine"), pairs, indirect=["database_url"])
