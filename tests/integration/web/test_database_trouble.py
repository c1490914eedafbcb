"""A database that stops, is frozen, and comes back while the dashboard is open."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.support.postgres import PostgresServer
from tests.support.waiting import wait_until
from tests.support.web import configuration, open_app


@pytest.fixture
def client(own_postgres_server: PostgresServer) -> Iterator[FlaskClient]:
    """A dashboard on a database of its own."""
    with open_app(configuration(own_postgres_server.create_database())) as app:
        yield app.test_client()


@pytest.mark.postgres
def test_pages_say_so_at_once_and_are_back_by_themselves(
    client: FlaskClient, own_postgres_server: PostgresServer
) -> None:
    assert client.get("/readyz").status_code == 200
    own_postgres_server.shut_down()
    wait_until(lambda: client.get("/readyz").status_code == 503, what="it is noticed as away", timeout_seconds=60)
    page = client.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert client.get("/livez").status_code == 200
    own_postgres_server.launch()
    wait_until(lambda: client.get("/readyz").status_code == 200, what="it is noticed as back", timeout_seconds=60)
    assert client.get("/").status_code == 200


@pytest.mark.postgres
def test_a_frozen_database_keeps_nobody_waiting_for_long(
    client: FlaskClient, own_postgres_server: PostgresServer
) -> None:
    assert client.get("/readyz").status_code == 200
    with own_postgres_server.frozen():
        wait_until(lambda: client.get("/readyz").status_code == 503, what="it is noticed as away", timeout_seconds=60)
        began = time.monotonic()
        assert client.get("/").status_code == 503
        assert time.monotonic() - began < 5
    wait_until(lambda: client.get("/readyz").status_code == 200, what="it is noticed as back", timeout_seconds=60)
