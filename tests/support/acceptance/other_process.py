"""Workers in other processes, to be called, killed and waited for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]


class OtherWorker:
    """A worker that lives in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.worker_id = str(self.read())

    def ask(self, call: str, *arguments: object, **options: object) -> None:
        """Start a call; `read` gives its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": call, "arguments": arguments, "options": options}) + "\n")
        self._process.stdin.flush()

    def read(self) -> Any:
        """Wait for the next thing the worker says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker ended; its last words are on standard error"
        return json.loads(line)

    def call(self, call: str, *arguments: object, **options: object) -> Any:
        """Call a method of its provider and wait for the result."""
        self.ask(call, *arguments, **options)
        return self.read()

    def kill(self) -> None:
        """End it with SIGKILL: nothing is said, nothing is cleaned up."""
        self._process.kill()
        self._process.wait()


@contextmanager
def other_worker(configuration: Mapping[str, Any], *hold: str) -> Iterator[OtherWorker]:
    """Start a worker; with a method and a moment, it stops for ever in such a call to the engine."""
    command = [sys.executable, "-m", "tests.support.acceptance.worker_process", json.dumps(configuration), *hold]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield OtherWorker(process)
    finally:
        process.kill()
        process.communicate()
