"""Short chaos runs. The long ones are `make chaos`; the seed is in the name, so a failure can be replayed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.director import Director, Result
from tests.chaos.rigs import Rig
from tests.support.docker_engine import EngineAddress
from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.xdist_group("chaos")]

SECONDS = 15.0
SECRET = "hush-7f3a9c"


def judge(result: Result) -> None:
    assert result.operations["acquire done"], f"nothing happened: {result.operations}"
    assert result.faults, "nothing was struck"
    assert not result.violations, "\n".join(map(str, result.violations))


@pytest.mark.parametrize("seed", [11])
def test_chaos_on_sqlite(tmp_path: Path, sqlite_url: str, seed: int) -> None:
    judge(Director(Rig(tmp_path, sqlite_url, SECRET), seed, SECONDS, workers=4).run())


@pytest.mark.parametrize("seed", [12])
def test_chaos_on_postgresql_with_restarts(tmp_path: Path, own_postgres_server: PostgresServer, seed: int) -> None:
    servers: dict[str, Callable[[], None]] = {"restart_database": own_postgres_server.restart}
    rig = Rig(tmp_path, own_postgres_server.create_database(), SECRET)
    judge(Director(rig, seed, SECONDS, workers=4, servers=servers).run())


@pytest.mark.parametrize("seed", [13])
def test_chaos_on_docker(
    tmp_path: Path, sqlite_url: str, docker_engine: EngineAddress, sandbox_image: str, seed: int
) -> None:
    rig = Rig(tmp_path, sqlite_url, SECRET, docker_engine.base_url, sandbox_image)
    judge(Director(rig, seed, SECONDS, workers=4).run())
