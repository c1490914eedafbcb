"""The command line as its users have it: a process with arguments, two outputs and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.forking import ModuleRun, run_module

PATIENCE_SECONDS = 90


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """The one line on stderr, without the program's name."""
        assert self.stderr.startswith("sandbox-ledger: "), self.stderr
        assert self.stderr.count("\n") == 1, self.stderr
        return self.stderr.removeprefix("sandbox-ledger: ").rstrip("\n")


class Command(subprocess.Popen[str]):
    """A running command. A block that fails ends it, or the end of the block would wait for it for ever."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, traceback)


class CommandLine:
    """`sandbox-ledger` with a configuration and a state directory of its own."""

    def __init__(self, directory: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self.config = directory / "config.yaml"
        self.config.write_text(json.dumps(settings))  # JSON is YAML
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_LEDGER__")}
        self._environment = {**clean, "XDG_STATE_HOME": str(directory / "state"), "COLUMNS": "80"}

    def start(self, *arguments: str, reads: bool = False, stderr: int = subprocess.PIPE) -> Command:
        """Start a command, with something to read on stdin or nothing; the caller ends it."""
        return Command(
            [sys.executable, "-m", "provider.cli", "--config", str(self.config), *arguments],
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=self._environment,
        )

    def run(self, *arguments: str, input_text: str | None = None) -> Ran:
        """Run a command to its end, in a forked process that need not import everything again."""
        with tempfile.TemporaryDirectory() as place:
            run = ModuleRun(
                "provider.cli", ["--config", str(self.config), *arguments], self._environment, Path(place), input_text
            )
            code = run_module(run, PATIENCE_SECONDS)
            return Ran(code, run.stdout.read_bytes().decode(), run.stderr.read_bytes().decode())

    def read(self, *arguments: str) -> Any:
        """Run a command that must succeed, and return what it says as JSON."""
        ran = self.run("-o", "json", *arguments)
        assert ran.code == 0, ran.stderr
        return ran.document
