"""Every page answers, on a ledger with a history and on an empty one; what cannot be read is said."""

from __future__ import annotations

import csv
import io
import json

import pytest
from flask.testing import FlaskClient

from tests.browser.places import EMPTY_PLACES, full_places
from tests.support.web import Fleet, open_app


def test_every_page_of_a_ledger_with_a_history(fleet: Fleet, web_client: FlaskClient) -> None:
    found = {path: web_client.get(path).status_code for path in full_places(fleet.ids["restarted"]).values()}
    assert set(found.values()) == {200}, found


def test_every_page_of_an_empty_ledger(empty_fleet: Fleet) -> None:
    with open_app(empty_fleet.settings) as app:
        found = {path: app.test_client().get(path).status_code for path in EMPTY_PLACES.values()}
    assert set(found.values()) == {200}, found


def test_a_bare_id_jumps_and_its_beginning_too(fleet: Fleet, web_client: FlaskClient) -> None:
    wanted = f"/sandboxes/{fleet.ids['oom']}"
    assert web_client.get(f"/sandboxes?q={fleet.ids['oom']}").location == wanted
    assert web_client.get(f"/sandboxes?q={fleet.ids['oom'][:8]}").location == wanted
    assert web_client.get("/sandboxes?q=0123456789abcdef").status_code == 200


@pytest.mark.parametrize("path", ["/sandboxes?q=colour:red", "/evictions?q=since:soon", "/restarts?q=reason:bored"])
def test_a_search_that_cannot_be_read_says_why(path: str, web_client: FlaskClient) -> None:
    answer = web_client.get(path)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<tbody>" not in answer.text


def test_a_time_that_cannot_be_read_says_why(fleet: Fleet, web_client: FlaskClient) -> None:
    assert "is no time" in web_client.get("/events?since=soon").text
    assert "is no time" in web_client.get("/timeline?since=soon").text
    assert "is no time" in web_client.get(f"/sandboxes/{fleet.ids['oom']}?at=soon").text


def test_before_it_existed_a_sandbox_did_not_exist(fleet: Fleet, web_client: FlaskClient) -> None:
    assert "It did not exist yet" in web_client.get(f"/sandboxes/{fleet.ids['oom']}?at=2020-01-01").text


def test_the_fleet_as_it_was_by_time_and_by_position(fleet: Fleet, web_client: FlaskClient) -> None:
    now = web_client.get("/past?at=0s").text
    live = {fleet.ids[name] for name in ("restarted", "warm")}
    assert all(sandbox_id in now for sandbox_id in live)
    assert "No sandbox had a container then" in web_client.get("/past?at=2020-01-01").text
    first = web_client.get("/past?at=2").text  # the first event is the worker's own
    assert first.count("<tbody>") == 1
    assert "creating" in first


@pytest.mark.parametrize(
    ("at", "said"), [("soon", "is no time"), ("999999999", "the log ends with"), ("9" * 30, "is no")]
)
def test_a_moment_that_never_was_is_refused(at: str, said: str, fleet: Fleet, web_client: FlaskClient) -> None:
    answer = web_client.get("/past", query_string={"at": at})
    assert (answer.status_code, said in answer.text) == (400, True)


def test_an_export_has_what_the_page_has(fleet: Fleet, web_client: FlaskClient) -> None:
    lines = web_client.get("/events.ndjson?type=SandboxDied,SandboxEvicted").text.splitlines()
    types = [json.loads(line)["type"] for line in lines]
    assert set(types) == {"SandboxDied", "SandboxEvicted"}
    rows = list(csv.DictReader(io.StringIO(web_client.get(f"/events.csv?stream=sandbox:{fleet.ids['oom']}").text)))
    positions = [int(row["position"]) for row in rows]
    assert positions == sorted(positions)
    assert {row["stream"] for row in rows} == {f"sandbox:{fleet.ids['oom']}"}
    assert len(rows) > 5


def test_an_export_refuses_a_filter_that_it_cannot_read(web_client: FlaskClient) -> None:
    answer = web_client.get("/events.csv?since=soon")
    assert answer.status_code == 400
    assert "is no time" in answer.text
