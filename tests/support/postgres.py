"""A throwaway PostgreSQL server, and how to reach one that another process of the test run started."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import LiteralString, Self

import psycopg
from psycopg import sql

from tests.support.postgres_binaries import Identity, find_binaries, find_identity, make_runnable
from tests.support.processes import end_process, end_processes, find_children, freeze_process, read_pid

START_ATTEMPTS = 3


class PostgresStartError(Exception):
    """PostgreSQL is there and does not start; the message ends with its last words."""


@dataclass(frozen=True)
class PostgresAddress:
    """Where a server listens. Enough to use it, not to stop it, so it can be shared."""

    port: str
    password: str
    user: str = "postgres"
    host: str = "127.0.0.1"

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def create_database(self, *, template: str | None = None) -> str:
        """Create a database with a name of its own, empty or a copy of another URL's, and return its URL."""
        name = f"ledger_{secrets.token_hex(6)}"
        source = "template1" if template is None else template.rpartition("/")[2]
        names = [sql.Identifier(one) for one in (name, source)]
        # Copying files is what versions before 15 do, and the quicker way where nothing is flushed to the disk.
        self._execute("CREATE DATABASE {} TEMPLATE {}", *names, since_15=" STRATEGY FILE_COPY")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop the database of a URL, disconnecting whoever still uses it."""
        name = sql.Identifier(url.rpartition("/")[2])
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: LiteralString, *names: sql.Identifier, since_15: LiteralString = "") -> None:
        dsn = self.url().replace("+psycopg", "", 1)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            is_15 = connection.info.server_version >= 15_00_00
            connection.execute(sql.SQL(statement + (since_15 if is_15 else "")).format(*names))


class PostgresServer:
    """A server of its own, from `initdb` to removal, with data that nobody keeps.

    It listens on a loopback port, and on a Unix socket in its directory. `durable=False` trades the flush of each
    commit to the disk for speed, which is right for tests and wrong for measurements. Raises UnavailableError
    when the machine has no PostgreSQL.
    """

    def __init__(self, directory: Path | None = None, *, durable: bool = True, **options: str) -> None:
        self._directory = directory
        self._durable = durable
        self._options = options
        self._address: PostgresAddress | None = None
        self._binaries = Path()
        self._identity: Identity = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def address(self) -> PostgresAddress:
        """Where the server listens."""
        assert self._address is not None, "the server was not started"
        return self._address

    @property
    def directory(self) -> Path:
        """Everything the server keeps."""
        assert self._directory is not None, "the server was not started"
        return self._directory

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return self.address.url(database)

    def create_database(self) -> str:
        """Create an empty database with a name of its own and return its URL."""
        return self.address.create_database()

    def start(self) -> None:
        """Make the cluster and start the server; returns when it accepts connections."""
        self._identity = find_identity()
        binaries = find_binaries()
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="sl-pg-", dir="/tmp"))
        self._directory.chmod(0o755)
        try:
            self._binaries = make_runnable(binaries, self._identity, self._directory / "copy")
            password = secrets.token_hex(16)
            self._initialise(password)
            self._address = PostgresAddress(port=str(self._launch_on_free_port()), password=password)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and remove everything it kept."""
        if self._directory is not None:
            stop_in(self._directory)
            shutil.rmtree(self._directory, ignore_errors=True)

    def shut_down(self) -> None:
        """Stop the server as an administrator does; `launch` or `restart` starts it again with its data."""
        end_process(self._read_pid(), first=signal.SIGINT)

    def launch(self) -> None:
        """Start the server again on the same port, with its data."""
        self._run("pg_ctl", "start", "--wait", "--timeout=60", "--silent", f"--log={self.directory / 'data' / 'log'}")

    def restart(self) -> None:
        """Stop the server, which ends every connection, and start it again."""
        self.shut_down()
        self.launch()

    def kill(self) -> None:
        """Kill the server without warning; `launch` starts it again with its data."""
        pid = self._read_pid()
        backends = find_children(pid)
        end_process(pid, first=signal.SIGKILL)
        end_processes(backends)
        # A killed server leaves them, and the next start would refuse while a zombie of their process id remains.
        for lock in (self.directory / "data" / "postmaster.pid", *(self.directory / "socket").glob(".s.PGSQL.*")):
            lock.unlink()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the server's processes for as long as a block runs, so that it takes connections and answers nothing."""
        pid = self._read_pid()
        stopped = [pid, *find_children(pid)]
        for one in stopped:
            freeze_process(one)
        try:
            yield
        finally:
            for one in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    def _launch_on_free_port(self, attempts: int = START_ATTEMPTS) -> int:
        port = _find_free_port()
        self._configure(port)
        try:
            self.launch()
        except PostgresStartError:
            if attempts == 1:
                raise
            return self._launch_on_free_port(attempts - 1)  # somebody else took the port in between
        return port

    def _initialise(self, password: str) -> None:
        for name in ("data", "socket"):
            (self.directory / name).mkdir(mode=0o700)
        password_file = self.directory / "password"
        password_file.write_text(password)
        for path in (self.directory / "data", self.directory / "socket", password_file):
            os.chown(path, self._identity.get("user", -1), self._identity.get("group", -1))
        options = ["--username=postgres", f"--pwfile={password_file}", "--auth-local=trust", "--auth-host=password"]
        self._run("initdb", *options, "--encoding=UTF8", "--no-locale", "--no-sync")
        password_file.unlink()

    def _configure(self, port: int) -> None:
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory / "socket"),
            "max_connections": "200",
            "jit": "off",
        }
        if not self._durable:
            # Not synchronous_commit: a commit must survive a killed server, only not a power cut.
            settings |= dict.fromkeys(("fsync", "full_page_writes"), "off")
        lines = [f"{key} = '{value}'\n" for key, value in (settings | self._options).items()]
        # Read after postgresql.conf, and written whole each time.
        (self.directory / "data" / "postgresql.auto.conf").write_text("".join(lines))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), "-D", str(self.directory / "data"), *arguments]
        log = self.directory / f"{program}.log"
        # To a file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with log.open("w") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False, **self._identity
            )
        if done.returncode:
            raise PostgresStartError(f"{program} failed with {done.returncode}: {log.read_text()[-2000:]}")

    def _read_pid(self) -> int:
        pid = read_pid(self.directory / "data" / "postmaster.pid")
        assert pid is not None, "the server does not run"
        return pid


def start_shared(directory: Path) -> dict[str, str]:
    """Start a server that other processes use, and return its address as plain values."""
    server = PostgresServer(directory, durable=False)
    server.start()
    return asdict(server.address)


def stop_in(directory: Path) -> None:
    """Stop the server that runs in a directory, whoever started it."""
    pid = read_pid(directory / "data" / "postmaster.pid")
    if pid is not None and _serves(pid, directory):
        end_process(pid, first=signal.SIGINT)


def _serves(pid: int, directory: Path) -> bool:
    """Say whether the process is the server of the directory, and not a later one with the same id."""
    try:
        return os.fsencode(directory) in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
