"""The fixture `deployment`: an empty ledger on an engine.

A test about containers runs on all engines; `@on(...)` names fewer. See tests/support/acceptance/choosing.py for the
databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.acceptance.choosing import DATABASES, pairs
from tests.support.acceptance.deployment import Deployment
from tests.support.acceptance.engines import (
    AcceptanceEngine,
    DockerAcceptanceEngine,
    FakeAcceptanceEngine,
    ProcessAcceptanceEngine,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that names no engine on all of them, and one without an engine over both databases."""
    marks = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if any("database_url" in names for names in marks):
        return
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize(("database_url", "engine"), pairs(*DATABASES), indirect=True)
    elif "database_url" in metafunc.fixturenames:
        both = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
        metafunc.parametrize("database_url", both, indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty ledger."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
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
