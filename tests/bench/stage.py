"""What benchmarks run on: a directory on a disk, databases, an engine; made when asked for, removed at the end."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import upgrade
from tests.support.docker_engine import PrivateDockerEngine, find_engine
from tests.support.postgres import PostgresAddress, PostgresServer
from tests.support.sandbox_image import TAG, build_sandbox_image


class Stage:
    """Everything a benchmark may need. What the machine lacks raises `UnavailableError`."""

    def __init__(self, directory: Path, *, quick: bool) -> None:
        self._parent = directory
        self._stack = ExitStack()
        self._databases = 0
        self.quick = quick

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @functools.cached_property
    def directory(self) -> Path:
        """A directory beside the results: on a disk, where the usual one for temporary files may be in memory."""
        self._parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="bench-", dir=self._parent))
        self._stack.callback(shutil.rmtree, made, ignore_errors=True)
        return made

    @functools.cached_property
    def postgres(self) -> PostgresServer:
        """A server of its own that flushes every commit to the disk."""
        directory = Path(tempfile.mkdtemp(prefix="sl-bench-", dir="/var/tmp"))
        server = PostgresServer(directory, durable=True, max_wal_size="4GB")
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        return self._stack.enter_context(server)

    @property
    def address(self) -> PostgresAddress:
        """Where that server listens."""
        return self.postgres.address

    @functools.cached_property
    def docker(self) -> str:
        """The URL of a Docker engine: the machine's own where it answers, else a private one."""
        found = find_engine()
        return found.base_url if found else self._stack.enter_context(PrivateDockerEngine()).base_url

    @functools.cached_property
    def image(self) -> str:
        """The tag of the sandbox image, built on the engine."""
        return build_sandbox_image(self.docker, TAG)

    def empty_database(self, dialect: str) -> str:
        """Make an empty database and return its URL."""
        self._databases += 1
        if dialect == "postgres":
            return self.address.create_database()
        return f"sqlite:///{self.directory / f'database{self._databases}.db'}"

    def new_store(self, dialect: str) -> SqlEventStore:
        """Make an empty ledger; closed at the end."""
        url = self.empty_database(dialect)
        database = open_database(url)
        upgrade(database)
        store = SqlEventStore(database)
        self._stack.callback(store.close)
        return store

    def closing(self, stack: ExitStack) -> None:
        """Close these as well at the end, before what they use."""
        self._stack.enter_context(stack)


def flush_seconds(directory: Path, times: int = 50) -> float:
    """Measure what it costs to make 8 KiB durable in a directory: the floor of every durable commit."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        os.pwrite(file.fileno(), bytes(8192 * times), 0)
        os.fsync(file.fileno())
        for turn in range(times):
            os.pwrite(file.fileno(), os.urandom(8192), 8192 * turn)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return sorted(taken)[times // 2]
