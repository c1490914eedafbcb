"""The dashboard under each kind of authentication."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.signing_in import token_settings
from tests.support.web import configuration, open_app

Open = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a dashboard keeps beside the database in a directory of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def open_client(sqlite_url: str) -> Iterator[Open]:
    """Open a dashboard over an empty ledger; keywords change the section `web`."""
    with ExitStack() as stack:

        def open_one(**web: Any) -> FlaskClient:
            return stack.enter_context(open_app(configuration(sqlite_url, **web))).test_client()

        yield open_one


@pytest.fixture
def token_client(open_client: Open) -> FlaskClient:
    """A dashboard with tokens, where nobody has signed in."""
    return open_client(**token_settings())
