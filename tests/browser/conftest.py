"""A dashboard that stands for all tests of a module that only look at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.support.postgres import PostgresAddress
from tests.support.web import open_fleet, serving


@dataclass(frozen=True)
class Standing:
    """A real server over a ledger in which everything has happened once; `ids` tells which sandbox became what."""

    url: str
    ids: Mapping[str, str]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Give a dashboard to look at, on each database. Whoever changes something takes `fleet` and `web_server`."""
    directory = tmp_path_factory.mktemp("standing")
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{directory / 'ledger.db'}"
        if request.param == "postgres":
            database: PostgresAddress = request.getfixturevalue("postgres_server")
            url = database.create_database()
            stack.callback(database.drop_database, url)
        fleet = stack.enter_context(open_fleet(url))
        fleet.live_through_everything()
        server = stack.enter_context(serving(directory, fleet.configuration))
        yield Standing(server.url, dict(fleet.ids))
