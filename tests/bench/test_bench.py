"""The benchmarks run, and say what they measured: with a few turns only, and never about the numbers themselves."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from tests.bench import __main__ as command_line
from tests.bench import acquire, death_latency, lookup, sweep_docker, sweep_stubborn, throughput
from tests.bench.catalogue import BENCHMARKS
from tests.bench.claims import Benchmark, Claim, Goal, Reading, not_measured, settle
from tests.bench.report import format_table, is_passed
from tests.bench.stage import Stage
from tests.bench.timing import median_of_groups, take_turns
from tests.support.docker_engine import EngineAddress
from tests.support.postgres import PostgresAddress
from tests.support.requirements import UnavailableError

FAST = Claim("fast", "x", Goal(">=", 2))


ON_DOCKER = {lookup.GET, lookup.KILL, acquire.ACQUIRE, sweep_docker.DOCKER, sweep_stubborn.STUBBORN}
ON_DOCKER |= {death_latency.KERNEL, death_latency.WATCH}
IN_BROWSER = {one for one in BENCHMARKS if one.name.startswith("now_ready")}
ON_POSTGRES = {one for one in BENCHMARKS if one.name.endswith("postgres")} | {throughput.THROUGHPUT}


@pytest.fixture(autouse=True)
def loud_again() -> Iterator[None]:
    """Undo what benchmarks do to be quiet: other tests of this process read what is logged."""
    logger = logging.getLogger("provider")
    before = logger.level
    yield
    logger.setLevel(before)


def test_a_quick_run_writes_one_row_for_each_claim(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    assert command_line.main(["--quick", "--only", "append_sqlite", "--output", str(output)]) == 0
    rows = json.loads(output.read_text())
    assert rows
    assert all(set(row) == {"name", "value", "unit", "against", "goal", "met"} for row in rows)
    assert all(row["value"] > 0 for row in rows)


class Smoke(Stage):
    """A stage for a look: few turns, and the server that all tests share instead of one that waits for the disk."""

    def __init__(self, directory: Path, server: PostgresAddress) -> None:
        super().__init__(directory, quick=True)
        self._server = server

    @property
    def address(self) -> PostgresAddress:
        return self._server


def measure(benchmark: Benchmark, stage: Stage) -> None:
    """Run a benchmark with a few turns: it must measure all that it claims."""
    with stage:
        readings = benchmark.run(stage)
        assert [settle(claim, readings[claim.name]).name for claim in benchmark.claims], benchmark.name


def each(chosen: Collection[Benchmark]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("benchmark", [one for one in BENCHMARKS if one in chosen], ids=lambda one: one.name)


@each(set(BENCHMARKS) - ON_DOCKER - ON_POSTGRES - IN_BROWSER)
def test_a_benchmark_on_sqlite_runs(benchmark: Benchmark, tmp_path: Path) -> None:
    measure(benchmark, Stage(tmp_path, quick=True))


@each(ON_POSTGRES - IN_BROWSER)
def test_a_benchmark_on_postgresql_runs(benchmark: Benchmark, postgres_server: PostgresAddress, tmp_path: Path) -> None:
    measure(benchmark, Smoke(tmp_path, postgres_server))


@pytest.mark.browser
@each(IN_BROWSER)
def test_a_benchmark_in_a_browser_runs(benchmark: Benchmark, postgres_server: PostgresAddress, tmp_path: Path) -> None:
    try:
        measure(benchmark, Smoke(tmp_path, postgres_server))
    except UnavailableError as error:
        pytest.skip(str(error))


@each(ON_DOCKER)
def test_a_benchmark_on_docker_runs(
    benchmark: Benchmark, docker_engine: EngineAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.base_url)
    measure(benchmark, Stage(tmp_path, quick=True))


def test_what_cannot_be_measured_keeps_its_row_and_fails_only_a_strict_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: Stage) -> dict[str, Reading]:
        raise UnavailableError("no engine")

    monkeypatch.setattr(command_line, "BENCHMARKS", (Benchmark("fast", (FAST,), run),))
    arguments = ["--output", str(tmp_path / "bench.json")]
    assert command_line.main(arguments) == 0
    assert command_line.main([*arguments, "--strict"]) == 1
    (row,) = json.loads((tmp_path / "bench.json").read_text())
    assert (row["value"], row["met"], row["against"]) == (None, None, "not measured: no engine")


def test_a_goal_is_met_or_missed_by_the_value_before_rounding() -> None:
    met, missed = settle(FAST, Reading(2.0, "x")), settle(FAST, Reading(1.99999, "x"))
    assert (met.met, missed.met) == (True, False)
    assert (missed.value, missed.goal) == (2.0, ">= 2")
    assert is_passed([met])
    assert not is_passed([met, missed])
    assert not is_passed([not_measured(FAST, "why")])
    assert "NO" in format_table([missed])


def test_the_sides_take_turns_and_the_warm_up_is_not_counted() -> None:
    ran: list[str] = []
    sides = [itertools.repeat(lambda name=name: ran.append(name)) for name in "ab"]
    first, second = take_turns(3, *sides, warm_up=1)
    assert len(first) == len(second) == 3
    assert "".join(ran) == "baabbaab"


def test_groups_are_summed_before_the_median() -> None:
    assert median_of_groups([1, 10, 2, 20, 3, 30, 9], 2) == 22
