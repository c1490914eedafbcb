"""The browser, and a dashboard that stands for all tests that only look at it.

What a page shows does not depend on the database: tests/contract/test_reports_*.py compare what both give, and
tests/integration/web/ makes every page over both. So the browser looks at SQLite, and where the database itself is a
part of what is tested (what comes by itself), `@ON_BOTH` says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, open_chromium
from tests.support.ledgers import copy_sqlite
from tests.support.requirements import UnavailableError
from tests.support.web import open_fleet, serving


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Give an empty ledger on SQLite; `@ON_BOTH` gives one on each database."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


ON_BOTH = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a dashboard keeps beside the database in a directory of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium once; not for longer, because its event loop would be in the way of others."""
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(open_chromium())
        except UnavailableError as error:
            pytest.skip(str(error))
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Give somebody with a browser; console errors, uncaught errors and violations of the CSP fail the test."""
    somebody = Visitor(chromium)
    yield somebody
    somebody.close()
    assert somebody.problems == []


@dataclass(frozen=True)
class Standing:
    """A real server over a ledger in which everything has happened once; `ids` tells which sandbox became what."""

    url: str
    ids: Mapping[str, str]


@pytest.fixture(scope="package")
def standing(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Give a dashboard to look at. Whoever changes something takes `fleet` and `web_server`."""
    directory = tmp_path_factory.mktemp("standing")
    with open_fleet(copy_sqlite(sqlite_template, directory / "ledger.db")) as fleet:
        fleet.live_through_everything()
        with serving(directory, fleet.configuration) as server:
            yield Standing(server.url, dict(fleet.ids))
