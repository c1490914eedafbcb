"""The fixtures that give a server, a database or an image. A test that asks for one gets its marker by itself.

Servers are started by the first test that needs one and shared by all processes of the run. A test that stops, kills
or restarts a server asks for one of its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.faults.choosing import turn
from tests.support import docker_engine as docker_support
from tests.support import ledgers
from tests.support import postgres as postgres_support
from tests.support.docker_engine import EngineAddress, PrivateDockerEngine
from tests.support.postgres import PostgresAddress, PostgresServer
from tests.support.requirements import UnavailableError
from tests.support.sandbox_image import TAG, build_sandbox_image
from tests.support.shared_run import OwnedRun, SharedRun

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

pytest_plugins = [
    "pytester",
    "tests.support.skips",
    "tests.support.many_workers.fixtures",
    "tests.support.web",
]

# How long an example takes says something about the machine only.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

RUN = pytest.StashKey[SharedRun]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the shared directory, or enter the one that the controller made."""
    worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[RUN] = SharedRun(Path(worker_input["shared_run"]))
    else:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # So a shell starts what runs in the background; every program that a test interrupts would inherit it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        config.stash[RUN] = OwnedRun.make(
            {
                "postgres": postgres_support.stop_in,
                "docker": docker_support.stop_in,
                "docker-firewalled": docker_support.stop_in,
            }
        )


def pytest_report_header() -> str:
    """Say what of the fault walk is chosen by the day, so that a run can be had again."""
    return f"fault walk: FAULT_TURN={turn()}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are processors: many tests wait for a lease or for a container."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker which directory the run shares."""
    node.workerinput["shared_run"] = str(node.config.stash[RUN].directory)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared servers."""
    run = config.stash.get(RUN, None)
    if isinstance(run, OwnedRun):
        run.close()


def _or_skip(start: Callable[[], Any]) -> Any:
    try:
        return start()
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shared_run(request: pytest.FixtureRequest) -> SharedRun:
    """What the processes of this run share."""
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def postgres_server(shared_run: SharedRun) -> PostgresAddress:
    """A PostgreSQL server that all tests share: make databases, do not disturb it."""
    return PostgresAddress(**_or_skip(lambda: shared_run.once("postgres", postgres_support.start_shared)))


@pytest.fixture(scope="session")
def postgres_template(shared_run: SharedRun, postgres_server: PostgresAddress) -> str:
    """The ledger on PostgreSQL that tests get copies of."""

    def make(_: Path) -> dict[str, str]:
        url = postgres_server.create_database()
        ledgers.migrate(url)
        return {"url": url}

    return shared_run.once("postgres-template", make)["url"]


@pytest.fixture
def postgres_url(postgres_server: PostgresAddress, postgres_template: str) -> Iterator[str]:
    """Give an empty ledger on PostgreSQL."""
    url = ledgers.copy_postgres(postgres_server, postgres_template)
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def bare_postgres_url(postgres_server: PostgresAddress) -> Iterator[str]:
    """Give a PostgreSQL database with nothing in it."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def own_postgres_server() -> Iterator[PostgresServer]:
    """Give a PostgreSQL server to stop, kill or restart."""
    server = PostgresServer(durable=False)
    _or_skip(server.start)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger on SQLite that tests get copies of."""
    return ledgers.make_sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Give an empty ledger on SQLite."""
    return ledgers.copy_sqlite(sqlite_template, tmp_path / "ledger.db")


@pytest.fixture
def bare_sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


ON_EACH_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=ON_EACH_DATABASE)
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty ledger; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=ON_EACH_DATABASE)
def bare_database_url(request: pytest.FixtureRequest) -> str:
    """Give a database without a schema; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"bare_{request.param}_url")
    return url


@pytest.fixture(scope="session")
def docker_engine(shared_run: SharedRun) -> EngineAddress:
    """A Docker engine that all tests share: the machine's own, else a private one."""
    found = docker_support.find_engine()
    if found is not None:
        return found
    shared = _or_skip(lambda: shared_run.once("docker", docker_support.start_shared))
    return EngineAddress(shared["base_url"], private=True)


@pytest.fixture(scope="session")
def firewalled_docker_engine(shared_run: SharedRun) -> str:
    """Return where an engine with the sandbox image listens that keeps the firewall's rules, as engines do."""
    made = _or_skip(lambda: shared_run.once("docker-firewalled", docker_support.start_firewalled))

    def build(_: Path) -> dict[str, str]:
        return {"tag": build_sandbox_image(made["base_url"], TAG)}

    shared_run.once("firewalled-image", build)
    return str(made["base_url"])


@pytest.fixture
def own_docker_engine() -> Iterator[PrivateDockerEngine]:
    """Give a Docker engine to stop, freeze or restart; its containers outlive a restart."""
    engine = PrivateDockerEngine(live_restore=True)
    _or_skip(engine.start)
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def sandbox_image(shared_run: SharedRun, docker_engine: EngineAddress) -> str:
    """The tag of the sandbox image, built on the shared engine."""

    def build(_: Path) -> dict[str, str]:
        return {"tag": build_sandbox_image(docker_engine.base_url, TAG)}

    return shared_run.once("image", build)["tag"]
