"""Runs mutants: each in a copy of the tree, one after the other, several copies side by side."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tests.mutants.mutant import PACKAGES, ROOT, MisfitError, Mutant, read_code

IGNORED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.pyc")
TEST_SECONDS = 60
"""How long one test may take: a mutant may make it wait for ever."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([
    "alembic.config", "docker", "flask", "httpx", "hypothesis", "psycopg", "pytest", "rich.table",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite",
])  # fmt: skip
FAILED = 1
"""pytest's exit code for tests that ran and failed. Any other than that and 0 means that they did not run."""

Verdict = Literal["killed", "SURVIVED", "DOES NOT FIT", "TESTS DO NOT RUN"]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant."""

    mutant: Mutant
    verdict: Verdict
    seconds: float
    output: str = ""

    @property
    def killer(self) -> str:
        """The test that saw it; empty where none did."""
        return find_failed(self.output)


class Ran(NamedTuple):
    """How a run of tests ended, and what pytest wrote."""

    code: int | None
    output: str


class Copies:
    """Copies of the tree, lent out one by one. A mutated file is put back before its copy is lent again."""

    def __init__(self, directory: Path, count: int) -> None:
        self._free: queue.Queue[Path] = queue.Queue()
        for number in range(count):
            self._free.put(Path(shutil.copytree(ROOT, directory / str(number), ignore=IGNORED)))

    @contextmanager
    def lend(self) -> Iterator[Path]:
        """Lend a copy for a block."""
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)


def run_all(mutants: Sequence[Mutant], jobs: int, report: Callable[[Result], None]) -> Sequence[Result]:
    """Run each mutant and report it as soon as its tests have ended; return all results."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory, ThreadPoolExecutor(jobs) as pool:
        copies = Copies(Path(directory), jobs)

        def run(mutant: Mutant) -> Result:
            with copies.lend() as copy:
                result = run_one(mutant, copy)
            report(result)
            return result

        return list(pool.map(run, mutants))


def run_one(mutant: Mutant, copy: Path) -> Result:
    """Apply a mutant to a copy of the tree, run its tests, and take it back."""
    began = time.monotonic()
    try:
        path = copy / mutant.find(read_code(copy))
    except MisfitError as error:
        return Result(mutant, "DOES NOT FIT", 0.0, str(error))
    original = path.read_text()
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        done = run_tests(mutant.tests, mutant.selection, copy)
    finally:
        path.write_text(original)
    return Result(mutant, judge(done), time.monotonic() - began, done.output)


def judge(done: Ran) -> Verdict:
    """Say what a run of tests means; one in which no test failed and none passed means nothing."""
    if done.code == 0:
        return "SURVIVED"
    return "killed" if done.code == FAILED and find_failed(done.output) else "TESTS DO NOT RUN"


def find_failed(output: str) -> str:
    """Return the first test that failed; empty where none did."""
    words = [line.split(" ", 2) for line in output.splitlines() if line.startswith(("FAILED ", "ERROR tests"))]
    return words[0][1] if words else ""


def find_broken(mutants: Sequence[Mutant], jobs: int) -> Sequence[str]:
    """Run the tests of these mutants on the tree as it is, each once; return the output of those that fail.

    A test that fails without its mutant proves nothing.
    """
    chosen = sorted({(mutant.tests, mutant.selection) for mutant in mutants})
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory, ThreadPoolExecutor(jobs) as pool:
        copies = Copies(Path(directory), jobs)

        def run(one: tuple[tuple[str, ...], str]) -> str | None:
            with copies.lend() as copy:
                done = run_tests(*one, copy)
            return None if done.code == 0 else f"{' '.join(one[0])}\n{done.output}"

        return [output for output in pool.map(run, chosen) if output is not None]


def run_tests(tests: Sequence[str], selection: str, copy: Path) -> Ran:
    """Run tests in a copy of the tree, up to the first that fails.

    In a process forked from one that has imported what all tests need: to import it takes longer than most of them.
    """
    options = ["-q", "-x", "-m", selection, "--timeout", str(TEST_SECONDS), "--tb=line", "-p", "no:cacheprovider"]
    with tempfile.NamedTemporaryFile(suffix=".txt") as output:
        process = SERVER.Process(target=_run_pytest, args=([*options, *tests], copy, Path(output.name)))
        process.start()
        process.join()
        return Ran(process.exitcode, Path(output.name).read_text(errors="replace"))


def _run_pytest(arguments: Sequence[str], copy: Path, output: Path) -> None:
    """Become a pytest that knows the copy of the tree only; does not return."""
    for name in [one for one in sys.modules if one.partition(".")[0] in ("tests", *PACKAGES)]:
        del sys.modules[name]
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    os.environ |= {
        # The package is installed from elsewhere: processes that the tests start must find the copy as well.
        "PYTHONPATH": str(copy),
        # A cached file is not noticed as old when the mutated file has the same size and the same second.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    sys.dont_write_bytecode = True
    with output.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    import pytest

    sys.exit(int(pytest.main(["-p", "pytest_timeout", *arguments])))
