"""What it costs to start: processor time of the import and of two commands, against importing SQLAlchemy alone."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.stage import Stage
from tests.bench.timing import in_words, median
from tests.support.command_line import CommandLine

THREAD = "start-up"


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """Wait for a process and return the processor time it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, process.args
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def start_python(code: str) -> subprocess.Popen[str]:
    """Start an interpreter as the command line does, from its compiled modules."""
    return subprocess.Popen([sys.executable, "-c", code], text=True)


def run(stage: Stage) -> Mapping[str, Reading]:
    """Take turns, one process each; the sandbox that is listed and acquired is running already."""
    directory = stage.directory / "start-up"
    directory.mkdir()
    cli = CommandLine(directory, {
        "database": {"url": f"sqlite:///{directory / 'ledger.db'}"}, "sandbox": {"backend": "process"},
    })  # fmt: skip
    sandbox_id = cli.read("acquire", THREAD)["sandbox_id"]
    sides: Mapping[str, Callable[[], subprocess.Popen[str]]] = {
        "import_sqlalchemy": lambda: start_python("import sqlalchemy"),
        "import_provider": lambda: start_python("import provider"),
        "import_worker": lambda: start_python("from provider import open_provider"),
        "command_ps": lambda: cli.start("ps", stderr=subprocess.DEVNULL),
        "command_acquire": lambda: cli.start("acquire", THREAD, stderr=subprocess.DEVNULL),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    try:
        for _ in range(2 if stage.quick else 9):
            for name, start in sides.items():
                taken[name].append(processor_seconds(start()))
    finally:
        assert cli.run("destroy", sandbox_id).code == 0
    return _compare(taken)


def _compare(taken: Mapping[str, Sequence[float]]) -> Mapping[str, Reading]:
    base = median(taken["import_sqlalchemy"])
    return {
        name: Reading(median(ours) / base, f"import sqlalchemy: {in_words(base)}, ours {in_words(median(ours))}")
        for name, ours in taken.items()
        if name != "import_sqlalchemy"
    }


START_UP = Benchmark(
    "start_up",
    (
        Claim("import_provider", "x its cost", Goal("<=", 1.3)),
        Claim("import_worker", "x its cost"),
        Claim("command_ps", "x its cost", Goal("<=", 2)),
        Claim("command_acquire", "x its cost", Goal("<=", 2)),
    ),
    run,
)
