"""Processes forked from a server that has everything imported: one costs milliseconds, not a second.

There is one such server in a process of the tests, so there is one list of what it has imported.
"""

from __future__ import annotations

import atexit
import io
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([
    "provider", "provider.cli.application", "provider.backends.process.backend", "alembic.command", "psycopg",
    "pysqlite3.dbapi2", "rich.console", "rich.table", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "tests.support.forking", "tests.support.many_workers.program",
    "tests.faults.victim",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModuleRun:
    """What `python -m MODULE ARGUMENTS` is to be run with; `directory` takes the files its outputs go to."""

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    input_text: str | None

    @property
    def stdout(self) -> Path:
        """Where the standard output goes."""
        return self.directory / "stdout"

    @property
    def stderr(self) -> Path:
        """Where the standard error goes."""
        return self.directory / "stderr"


def run_module(run: ModuleRun, timeout: float) -> int:
    """Run a module as a program in a forked process, and return its exit code, negative for a signal.

    Raises TimeoutError, with the process killed, when it takes longer.
    """
    (run.directory / "stdin").write_text(run.input_text or "")
    process = CONTEXT.Process(target=_be, args=(run, str(Path.cwd())))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{run.module} {' '.join(run.arguments)}: not done after {timeout:g} s")
    return process.exitcode


def _be(run: ModuleRun, place: str) -> None:
    """Become the program."""
    os.chdir(place)
    os.environ.clear()
    os.environ.update(run.environment)
    sys.argv = [run.module, *run.arguments]
    for number, path, flags in (
        (0, run.directory / "stdin", os.O_RDONLY),
        (1, run.stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, run.stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), encoding="utf-8", line_buffering=number == 2)
        for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    try:
        runpy.run_module(run.module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - a forked process leaves without them
        sys.stdout.flush()
