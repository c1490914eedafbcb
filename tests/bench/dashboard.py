"""Every page of the dashboard in a long history: until it answers, and against the same page in a short one.

The short history is the end of such a long one: as much happened in its last hour. A page then shows the same either
way, and what it takes longer is owed to how much lies behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from flask import Flask
from flask.testing import FlaskClient

from tests.bench.bulk import fill
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.generate import SPAN, History
from tests.bench.long_history import long_history
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns
from tests.support.web import configuration, open_app
from web.routes import PAGES

SHORT = 10_000
SHORT_WHEN_QUICK = 2_000


def addresses(history: History) -> Iterator[str]:
    """Give the address of every page, and a few that ask more: a filter that is common, rare, or matches nothing."""
    sandbox_id = next(life.who.sandbox_id for life in history.lives if len(life.positions) >= 20)
    yield from (page.path.replace("<sandbox_id>", sandbox_id) for page in PAGES)
    yield from (
        "/sandboxes?q=reason:oom",
        "/sandboxes?q=image:none",
        "/sandboxes?q=no-such-thread",
        "/evictions?q=since:1d",
        "/restarts?q=user:user-3",
    )
    yield "/events?type=SandboxDied"


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Ask for each page in turns, in the long history and in the short one."""
    turns = 3 if stage.quick else 40
    short = stage.new_store(dialect)
    long, history = long_history(stage, dialect)
    events = SHORT_WHEN_QUICK if stage.quick else SHORT
    short_history = fill(short, History(events, span=SPAN * events / history.position))
    with ExitStack() as stack:
        apps = [stack.enter_context(open_app(configuration(store.database.url))) for store in (short, long)]
        measured = {}
        for path, other in zip(addresses(history), addresses(short_history), strict=True):
            asked = asks(apps[0], other), asks(apps[1], path)
            measured[path] = take_turns(turns, *asked, warm_up=max(1, turns // 10))
    slowest = max(measured, key=lambda path: percentile(measured[path][1]))
    first_byte = percentile(measured[slowest][1])
    searches = {path: taken for path, taken in measured.items() if "?" in path}
    pages = {path: taken for path, taken in measured.items() if path not in searches}
    return {
        f"dashboard_{dialect}": Reading(first_byte * 1000, f"the slowest of {len(measured)} pages: {slowest}"),
        f"dashboard_growth_{dialect}": _growth(pages, history),
        f"dashboard_search_growth_{dialect}": _growth(searches, history),
    }


def _growth(measured: Mapping[str, list[list[float]]], history: History) -> Reading:
    """Tell which page takes most longer in the long history, and how much."""
    growth = {path: median(taken[1]) / median(taken[0]) for path, taken in measured.items()}
    grown = max(growth, key=growth.__getitem__)
    before, after = (in_words(median(samples)) for samples in measured[grown])
    return Reading(growth[grown], f"most for {grown}: {before}, at {history.position:,} events {after}")


def asks(app: Flask, path: str) -> Iterator[Work]:
    """Ask for a page again and again; its first byte comes when all that it shows is known."""
    client = app.test_client()
    while True:
        yield lambda: _first_byte(client, path)


def _first_byte(client: FlaskClient, path: str) -> None:
    response = client.get(path, buffered=False)
    assert response.status_code == 200, f"{path}: {response.status}"
    assert next(iter(response.response))
    response.close()


def percentile(samples: list[float]) -> float:
    """Give the 95th percentile: the smallest sample that 95 % do not exceed."""
    return sorted(samples)[-(-len(samples) * 95 // 100) - 1]


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = (
        Claim(f"dashboard_{dialect}", "ms, p95", Goal("<=", 200)),
        Claim(f"dashboard_growth_{dialect}", "x the time", Goal("<=", 2)),
        Claim(f"dashboard_search_growth_{dialect}", "x the time"),
    )
    return Benchmark(f"dashboard_{dialect}", claims, lambda stage: run(stage, dialect))
