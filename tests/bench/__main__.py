"""The command line: `python -m tests.bench [--only NAME] [--quick] [--strict]`."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.catalogue import BENCHMARKS
from tests.bench.claims import Benchmark, Row, not_measured, settle
from tests.bench.report import format_table, is_passed, write_json
from tests.bench.stage import Stage, flush_seconds
from tests.support.requirements import UnavailableError

BUILD = Path(__file__).resolve().parents[2] / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; exit status 1 only with `--strict`, when a goal is missed or was not measured."""
    options = _parse(arguments)
    chosen = [one for one in BENCHMARKS if not options.only or any(name in one.name for name in options.only)]
    rows: list[Row] = []
    with Stage(BUILD, quick=options.quick) as stage:
        print(_describe_machine(stage), file=sys.stderr)
        for benchmark in chosen:
            rows += _run(benchmark, stage)
    print(format_table(rows))
    write_json(rows, options.output or BUILD / ("bench-quick.json" if options.quick else "bench.json"))
    return 1 if options.strict and not is_passed(rows) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = ", ".join(one.name for one in BENCHMARKS)
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, print a table, write build/bench.json.")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"run what has NAME in its name: {names}")
    parser.add_argument("--quick", action="store_true", help="a few turns only: shows that it works, measures little")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed or was not measured")
    parser.add_argument("--output", type=Path, help="where to write the list (default build/bench.json)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.only or () if not any(name in one.name for one in BENCHMARKS)]
    if unknown:
        parser.error(f"no benchmark has {unknown[0]!r} in its name; there are {names}")
    return options


def _run(benchmark: Benchmark, stage: Stage) -> Iterator[Row]:
    print(f"{benchmark.name} ...", end=" ", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        readings = benchmark.run(stage)
    except (UnavailableError, ModuleNotFoundError) as error:
        print("not measured", file=sys.stderr)
        yield from (not_measured(claim, str(error)) for claim in benchmark.claims)
        return
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    yield from (settle(claim, readings[claim.name]) for claim in benchmark.claims)


def _describe_machine(stage: Stage) -> str:
    sqlite = importlib.import_module("provider.store.engine").sqlite_module().sqlite_version
    return (
        f"Python {platform.python_version()}, SQLite {sqlite}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, "
        f"flush to disk {flush_seconds(stage.directory) * 1e6:.0f} µs"
    )


if __name__ == "__main__":
    sys.exit(main())
