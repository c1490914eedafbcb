"""Runs mutants: each in a copy of the tree, one after the other, several copies side by side."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.mutants.mutant import ROOT, MisfitError, Mutant, read_code

IGNORED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.pyc")
TEST_SECONDS = 60
"""How long one test may take: a mutant may make it wait for ever."""
PLUGINS = ("no:cacheprovider", "pytest_timeout")
"""All that these tests need: to import the others takes longer than most of the tests."""
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
        lines = (line for line in self.output.splitlines() if line.startswith("FAILED "))
        return next(lines, "").removeprefix("FAILED ").partition(" - ")[0]


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
    verdict: Verdict = {0: "SURVIVED", FAILED: "killed"}.get(done.returncode, "TESTS DO NOT RUN")  # type: ignore[assignment]
    return Result(mutant, verdict, time.monotonic() - began, done.stdout + done.stderr)


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
            return None if done.returncode == 0 else f"{' '.join(one[0])}\n{done.stdout}{done.stderr}"

        return [output for output in pool.map(run, chosen) if output is not None]


def run_tests(tests: Sequence[str], selection: str, copy: Path) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the tree, up to the first that fails."""
    options = ["-q", "-x", "-m", selection, "--timeout", str(TEST_SECONDS), "--tb=line"]
    plugins = [f"-p{name}" for name in PLUGINS]
    environment = os.environ | {
        # The package is installed from elsewhere: processes that the tests start must find the copy as well.
        "PYTHONPATH": str(copy),
        # A cached file is not noticed as old when the mutated file has the same size and the same second.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", *plugins, *options, *tests]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
