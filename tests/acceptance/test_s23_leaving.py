"""How a worker leaves: in order, on SIGTERM, without its database, or abandoned; and what others see of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provider import StoreUnavailable, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.testing import FakeBackend
from tests.support.many_workers.crew import Crew
from tests.support.many_workers.fixtures import on
from tests.support.postgres import PostgresServer

ABANDONED = """
import asyncio, sys, threading
from pathlib import Path
from provider import open_provider
from tests.support.file_engine import FileBackend

Path(sys.argv[2]).mkdir()
settings = {"database": {"url": sys.argv[1]}, "sandbox": {"replicas": 1, "acquire_timeout": 600}}
sandboxes = open_provider(settings, backend=FileBackend(Path(sys.argv[2])))
sandboxes.acquire("held")
loop = asyncio.new_event_loop()
waiting = loop.create_task(asyncio.wait_for(sandboxes.acquire_async("waits"), 0.3))
try:
    loop.run_until_complete(waiting)
except TimeoutError:
    pass
loop.close()
"""


def last_word(crew: Crew, worker_id: str) -> str:
    sql = "SELECT type FROM events WHERE stream = :s ORDER BY version DESC LIMIT 1"
    return str(crew.ledger.rows(sql, s=f"worker:{worker_id}")[0]["type"])


def test_s23_sigterm_releases_records_and_ends_the_process(crew: Crew) -> None:
    worker = crew.open_worker()
    sandbox_id, name = worker.ask("acquire", "t"), worker.worker_id
    worker.signal(signal.SIGTERM)
    assert worker.wait_ended() == -signal.SIGTERM
    assert (crew.ledger.status(sandbox_id), last_word(crew, name)) == ("warm", "WorkerStopped")
    assert [info.sandbox_id for info in crew.containers.list_running()] == [sandbox_id]


@pytest.mark.parametrize(
    ("policy", "own", "others", "shared"),
    [
        ("keep", "warm", "warm", "active"),
        ("destroy_own", "gone", "warm", "active"),
        ("destroy_if_last", "gone", "gone", "active"),
    ],
)
def test_s23_shutdown_policies(crew: Crew, policy: str, own: str, others: str, shared: str) -> None:
    staying, leaving = crew.open_worker(), crew.open_worker(on_shutdown=policy)
    ids = {
        "own": leaving.ask("acquire", "own"),
        "others": staying.ask("acquire", "others"),
        "shared": leaving.ask("acquire", "shared"),
    }
    leaving.ask("acquire", "others")
    staying.ask("release", ids["others"])
    staying.ask("acquire", "shared")
    leaving.ask("shutdown")
    found = {name: crew.ledger.status(sandbox_id) for name, sandbox_id in ids.items()}
    assert found == {"own": own, "others": others, "shared": shared}


def test_s23_who_cannot_release_does_not_say_that_it_left(own_postgres_server: PostgresServer) -> None:
    settings = load_settings({"database": {"url": own_postgres_server.create_database()}})
    backend = FakeBackend()
    sandboxes = open_provider(settings, backend=backend)
    sandbox_id, name = sandboxes.acquire("t"), sandboxes.worker_id
    own_postgres_server.shut_down()
    with pytest.raises(StoreUnavailable):
        sandboxes.shutdown()
    own_postgres_server.launch()
    with open_provider(settings, backend=backend) as other:
        assert other.acquire("t") == sandbox_id
    store = open_store(settings)
    try:
        stream = [recorded.event.type for recorded in store.read_stream(f"worker:{name}")]
        assert stream == ["WorkerStarted"]  # so that its lease lapses, and others release what it held
        assert store.load(sandbox_id).holders == (name,)
    finally:
        store.close()


@on("file")
def test_s23_an_abandoned_provider_does_not_keep_the_interpreter(crew: Crew, tmp_path: Path) -> None:
    arguments = [crew.database_url, str(tmp_path / "abandoned")]
    # Its call waits for a place for 600 s.
    command = [sys.executable, "-c", ABANDONED, *arguments]
    subprocess.run(command, check=True, timeout=100, cwd=Path(__file__).parents[2])
