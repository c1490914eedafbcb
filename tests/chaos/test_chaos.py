"""Chaos: one short run of each kind in every run of the tests, longer ones in `make test-long` and `make chaos`.

The seed is in the name, so a failure can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.director import Director, Result
from tests.chaos.rigs import Rig
from tests.support.docker_engine import EngineAddress, PrivateDockerEngine
from tests.support.postgres import PostgresServer
from tests.support.sandbox_image import TAG, build_sandbox_image

pytestmark = pytest.mark.timeout(300)

SHORT, LONG = 10.0, 40.0
SECRET = "hush-7f3a9c"


def seeded(seed: int, *more: int) -> pytest.MarkDecorator:
    """Run a test for a short time with the first seed, and in `make test-long` for longer with each of the others."""
    longer = [pytest.param(other, LONG, marks=pytest.mark.long) for other in more]
    return pytest.mark.parametrize(("seed", "seconds"), [(seed, SHORT), *longer])


def judge(result: Result) -> None:
    assert result.operations["acquire done"], f"nothing happened: {result.operations}"
    assert result.faults, "nothing was struck"
    assert not result.violations, "\n".join(map(str, result.violations))


@seeded(11, 21, 31)
def test_chaos_on_sqlite(tmp_path: Path, sqlite_url: str, seed: int, seconds: float) -> None:
    judge(Director(Rig(tmp_path, sqlite_url, SECRET), seed, seconds, workers=4).run())


@seeded(12, 22, 32)
def test_chaos_on_postgresql_with_restarts(
    tmp_path: Path, own_postgres_server: PostgresServer, seed: int, seconds: float
) -> None:
    servers: dict[str, Callable[[], None]] = {"restart_database": own_postgres_server.restart}
    rig = Rig(tmp_path, own_postgres_server.create_database(), SECRET)
    judge(Director(rig, seed, seconds, workers=4, servers=servers).run())


@seeded(13, 23)
def test_chaos_on_docker(
    tmp_path: Path, sqlite_url: str, docker_engine: EngineAddress, sandbox_image: str, seed: int, seconds: float
) -> None:
    rig = Rig(tmp_path, sqlite_url, SECRET, docker_engine.base_url, sandbox_image)
    judge(Director(rig, seed, seconds, workers=4).run())


@pytest.mark.long
@pytest.mark.parametrize("seed", [24])
def test_chaos_on_docker_and_postgresql_with_restarts(
    tmp_path: Path, own_postgres_server: PostgresServer, own_docker_engine: PrivateDockerEngine, seed: int
) -> None:
    engine = own_docker_engine.base_url
    servers: dict[str, Callable[[], None]] = {
        "restart_database": own_postgres_server.restart, "restart_engine": own_docker_engine.restart,
    }  # fmt: skip
    rig = Rig(tmp_path, own_postgres_server.create_database(), SECRET, engine, build_sandbox_image(engine, TAG))
    judge(Director(rig, seed, LONG, workers=4, servers=servers).run())
