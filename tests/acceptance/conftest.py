"""The fixture `deployment`: an empty ledger on an engine. Every test runs over each database and each engine it names.

A test about containers runs on all engines; `@on(...)` names fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import (
    AcceptanceEngine,
    DockerAcceptanceEngine,
    FakeAcceptanceEngine,
    ProcessAcceptanceEngine,
)

ENGINES = ("fake", "process", pytest.param("docker", marks=pytest.mark.docker))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AcceptanceEngine:
    """Give an engine."""
    # Where the process backend keeps its containers; child processes inherit it.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "fake":
        return FakeAcceptanceEngine()
    if request.param == "process":
        return ProcessAcceptanceEngine()
    address = request.getfixturevalue("docker_engine")
    return DockerAcceptanceEngine(address.base_url, request.getfixturevalue("sandbox_image"))


@pytest.fixture
def deployment(database_url: str, engine: AcceptanceEngine) -> Iterator[Deployment]:
    """Give an empty ledger on an engine; at the end everything is stopped and the ledger is audited."""
    made = Deployment(database_url, engine)
    yield made
    made.close()
