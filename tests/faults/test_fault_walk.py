"""S24, S25: a worker may be killed, paused or cut off between any two steps; another process finishes its work.

The places are found by running each use case once, so that a new step is walked without another line here, and a new
kind of event or engine call that no use case passes fails a test. What every run of the tests walks, and what
`make test-long` adds to it, says tests/faults/choosing.py.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provider.domain.events import REGISTRY
from provider.runtime.worker.guarded_engine import GuardedEngine
from tests.faults.choosing import choose_distinct, choose_sample, choose_third, turn
from tests.faults.hook import KINDS, Kind, Place
from tests.faults.use_cases import USE_CASES
from tests.faults.walk import Walker
from tests.support.ledgers import copy_postgres, copy_sqlite
from tests.support.postgres import PostgresAddress
from tests.support.shared_run import SharedRun

AT_ONCE = (os.cpu_count() or 1) + 1
NEVER_FIRST = {"CrashLoopEntered"}
"""Points are named after the first event of an append; these only follow another."""
NOT_OF_WORKERS = {"LogArchived", "ExtractOpened"}
"""Archiving leaves no whole log for the checker: tests/contract/test_archives.py kills it at each of its points.
An extract is opened in one transaction, in a file of its own that no worker uses."""


@pytest.fixture
def sqlite_walker(sqlite_template: Path, tmp_path: Path) -> Walker:
    """Walk on SQLite."""
    return Walker(tmp_path / "cases", lambda directory: copy_sqlite(sqlite_template, directory / "ledger.db"))


Find = Callable[[str], list[Place]]


@pytest.fixture
def find_places(sqlite_walker: Walker, shared_run: SharedRun) -> Find:
    """Give a function that runs a use case unharmed and lists its places, once for all tests that walk it."""

    def find(name: str) -> list[Place]:
        def record(_: Path) -> dict[str, str]:
            return {"places": " ".join(map(str, sqlite_walker.find_places(name)))}

        return [Place.parse(text) for text in shared_run.once(f"places-{name}", record)["places"].split()]

    return find


def walk(walker: Walker, name: str, kind: Kind, places: list[Place]) -> None:
    def strike(place: Place) -> list[str]:
        return [f"{kind} at {place} of {name}: {problem}" for problem in walker.strike(name, place, kind)]

    with ThreadPoolExecutor(AT_ONCE) as executor:
        problems = [problem for found in executor.map(strike, places) for problem in found]
    print(f"{name}: {kind} at {len(places)} places")  # noqa: T201
    assert not problems, "\n".join(problems)


@pytest.mark.timeout(300)
def test_every_kind_of_event_and_engine_call_is_walked(find_places: Find) -> None:
    with ThreadPoolExecutor(AT_ONCE) as executor:
        found = [place.point.split(".") for places in executor.map(find_places, USE_CASES) for place in places]
    appended = {name for boundary, name, _ in found if boundary == "append"}
    assert set(REGISTRY) - appended == NEVER_FIRST | NOT_OF_WORKERS
    called = {name for boundary, name, _ in found if boundary == "engine"}
    assert called == set(re.findall(r'_(?:boundary|asking)\("(\w+)"', inspect.getsource(GuardedEngine)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_a_worker_killed_between_any_two_steps(sqlite_walker: Walker, find_places: Find, name: str) -> None:
    walk(sqlite_walker, name, "kill", choose_distinct(find_places(name)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_a_worker_cut_off_between_any_two_steps(sqlite_walker: Walker, find_places: Find, name: str) -> None:
    walk(sqlite_walker, name, "raise", choose_third(find_places(name), turn()))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s25_a_worker_paused_between_any_two_steps(sqlite_walker: Walker, find_places: Find, name: str) -> None:
    walk(sqlite_walker, name, "pause", choose_third(find_places(name), turn() + 1))


@pytest.fixture
def postgres_walker(postgres_server: PostgresAddress, postgres_template: str, tmp_path: Path) -> Iterator[Walker]:
    """Walk on PostgreSQL."""
    made: list[str] = []

    def make_url(_: Path) -> str:
        made.append(copy_postgres(postgres_server, postgres_template))
        return made[-1]

    yield Walker(tmp_path / "cases", make_url)
    for url in made:
        postgres_server.drop_database(url)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("number", "name"), list(enumerate(USE_CASES)))
def test_s24_and_s25_on_postgresql(postgres_walker: Walker, number: int, name: str) -> None:
    kind = KINDS[number % len(KINDS)]
    walk(postgres_walker, name, kind, choose_sample(postgres_walker.find_places(name), number))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_and_s25_everywhere(sqlite_walker: Walker, name: str, kind: Kind) -> None:
    walk(sqlite_walker, name, kind, sqlite_walker.find_places(name))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_and_s25_everywhere_on_postgresql(postgres_walker: Walker, name: str, kind: Kind) -> None:
    walk(postgres_walker, name, kind, postgres_walker.find_places(name))


def test_a_kill_before_a_step_is_distinct_from_the_one_after_the_step_before_it_only_at_the_start() -> None:
    places = [Place(f"{step}.{moment}", 1) for step in ("append.A", "engine.b") for moment in ("before", "after")]
    assert choose_distinct(places) == [places[0], places[1], places[3]]


def test_three_turns_come_to_every_place_once() -> None:
    places = [Place(f"append.E{number}.before", 1) for number in range(7)]
    chosen = [place for number in range(3) for place in choose_third(places, number)]
    assert sorted(map(str, chosen)) == sorted(map(str, places))
