"""S24, S25: a worker may be killed, paused or cut off between any two steps; another process finishes its work.

The places are found by running each use case once, so that a new step is walked without another line here, and a new
kind of event or engine call that no use case passes fails a test. Every run of the tests walks every place on SQLite in
all three ways, and a part of them on PostgreSQL; `make test-long` walks all of them there.
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
from tests.faults.hook import Kind, Place
from tests.faults.use_cases import USE_CASES
from tests.faults.walk import Walker
from tests.support.ledgers import copy_postgres, copy_sqlite
from tests.support.postgres import PostgresAddress

AT_ONCE = (os.cpu_count() or 1) + 1
SAMPLE = 7
"""On PostgreSQL each use case is walked in one way, at every seventh place: only the store differs."""
KINDS: tuple[Kind, ...] = ("kill", "raise", "pause")
NEVER_FIRST = {"CrashLoopEntered"}
"""Points are named after the first event of an append; these only follow another."""
NOT_OF_WORKERS = {"LogArchived", "ExtractOpened"}
"""Archiving leaves no whole log for the checker: tests/contract/test_archives.py kills it at each of its points.
An extract is opened in one transaction, in a file of its own that no worker uses."""


@pytest.fixture
def sqlite_walker(sqlite_template: Path, tmp_path: Path) -> Walker:
    """Walk on SQLite."""
    return Walker(tmp_path / "cases", lambda directory: copy_sqlite(sqlite_template, directory / "ledger.db"))


def walk(walker: Walker, name: str, kind: Kind, choose: Callable[[list[Place]], list[Place]]) -> None:
    places = walker.find_places(name)
    assert places
    chosen = choose(places)

    def strike(place: Place) -> list[str]:
        return [f"{kind} at {place} of {name}: {problem}" for problem in walker.strike(name, place, kind)]

    with ThreadPoolExecutor(AT_ONCE) as executor:
        problems = [problem for found in executor.map(strike, chosen) for problem in found]
    print(f"{name}: {kind} at {len(chosen)} of {len(places)} places")  # noqa: T201
    assert not problems, "\n".join(problems)


@pytest.mark.timeout(300)
def test_every_kind_of_event_and_engine_call_is_walked(sqlite_walker: Walker) -> None:
    with ThreadPoolExecutor(AT_ONCE) as executor:
        found = [
            place.point.split(".") for places in executor.map(sqlite_walker.find_places, USE_CASES) for place in places
        ]
    appended = {name for boundary, name, _ in found if boundary == "append"}
    assert set(REGISTRY) - appended == NEVER_FIRST | NOT_OF_WORKERS
    called = {name for boundary, name, _ in found if boundary == "engine"}
    assert called == set(re.findall(r'_(?:boundary|asking)\("(\w+)"', inspect.getsource(GuardedEngine)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_a_worker_killed_between_any_two_steps(sqlite_walker: Walker, name: str) -> None:
    walk(sqlite_walker, name, "kill", list)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_a_worker_cut_off_between_any_two_steps(sqlite_walker: Walker, name: str) -> None:
    walk(sqlite_walker, name, "raise", list)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", USE_CASES)
def test_s25_a_worker_paused_between_any_two_steps(sqlite_walker: Walker, name: str) -> None:
    walk(sqlite_walker, name, "pause", list)


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
@pytest.mark.parametrize("kind", KINDS)
def test_s24_and_s25_on_postgresql(postgres_walker: Walker, kind: Kind) -> None:
    for index, name in list(enumerate(USE_CASES))[KINDS.index(kind) :: len(KINDS)]:
        walk(postgres_walker, name, kind, lambda places, first=index: places[first % SAMPLE :: SAMPLE])  # type: ignore[misc]


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", USE_CASES)
def test_s24_and_s25_everywhere_on_postgresql(postgres_walker: Walker, name: str, kind: Kind) -> None:
    walk(postgres_walker, name, kind, list)
