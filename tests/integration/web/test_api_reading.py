"""The JSON API, reading: each resource empty and full, pages, tags, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from provider.domain.events import REGISTRY
from tests.integration.web.conftest import Open
from tests.support.signing_in import bearer, token_settings
from tests.support.web import Fleet, configuration, open_app
from web import create_blueprint

LISTS = ("sandboxes", "events", "evictions", "restarts", "workers", "sweeps", "audit", "violations")
SINGLE = ("now", "timeline", "system", "integrity", "sandboxes/count", "openapi.json")
UNKNOWN = "0123456789abcdef"


def read(client: FlaskClient, path: str, **arguments: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", query_string=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json


def pages(client: FlaskClient, path: str, **arguments: Any) -> Iterator[list[Any]]:
    """Go from page to page by the link that each one has."""
    answer = client.get(f"/api/v1/{path}", query_string=arguments)
    while True:
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        yield answer.json["items"]
        links = {link.split('rel="')[1].rstrip('"'): link[1:].split(">")[0] for link in answer.headers.getlist("Link")}
        assert (answer.json["next"] is None) == ("next" not in links)
        if "next" not in links:
            return
        answer = client.get(links["next"])


@pytest.fixture
def empty_client(database_url: str) -> Iterator[FlaskClient]:
    with open_app(configuration(database_url)) as app:
        yield app.test_client()


def test_an_empty_ledger_answers_everything(empty_client: FlaskClient) -> None:
    for path in LISTS:
        found = read(empty_client, path)
        assert (found["items"], found["next"], found["previous"]) == ([], None, None)
    for path in SINGLE:
        assert read(empty_client, path)
    assert read(empty_client, "now")["verdict"]["level"] == "unknown"


def test_a_full_ledger_tells_the_same_everywhere(web_client: FlaskClient, fleet: Fleet) -> None:
    oom = fleet.ids["oom"]
    sandbox = read(web_client, f"sandboxes/{oom}")
    assert (sandbox["sandbox_id"], sandbox["status"], sandbox["user_id"]) == (oom, "dead", "alice")
    (generation,) = read(web_client, f"sandboxes/{oom}/generations")["items"]
    assert (generation["sandbox_id"], generation["generation"], generation["oom_killed"]) == (oom, 1, True)
    events = read(web_client, f"sandboxes/{oom}/events", order="asc")["items"]
    assert [one["version"] for one in events] == list(range(1, sandbox["version"] + 1))
    assert events[0]["type"] == "SandboxCreating"
    assert events[0]["recorded_at"].endswith("Z")
    (row,) = read(web_client, "sandboxes", q="reason:oom")["items"]
    assert (row["sandbox_id"], row["end_reason"]) == (oom, "oom")
    assert read(web_client, "sandboxes/count", q="user:alice") == {"value": 6, "is_capped": False}
    assert {one["reason"] for one in read(web_client, "evictions")["items"]} == {"crashed", "oom", "request"}
    (restart,) = read(web_client, "restarts")["items"]
    assert (restart["sandbox_id"], restart["to_generation"]) == (fleet.ids["restarted"], 2)
    (worker,) = read(web_client, "workers")["items"]
    assert worker["worker_id"] == fleet.provider.worker_id
    now = read(web_client, "now")
    assert now["reading"]["current"]["ends"] == {"crashed": 2, "oom": 1, "request": 1}
    assert read(web_client, "timeline", by="image")["rows"][0]["totals"]["unexpected_end"] == 3
    died = read(web_client, "events", type="SandboxDied")["items"]
    assert [one["type"] for one in died] == ["SandboxDied"] * 3
    assert read(web_client, "system")["events"] == now["reading"]["freshness"]["head_position"]


@pytest.mark.parametrize(
    ("path", "key"), [("sandboxes", "sandbox_id"), ("events", "position"), ("evictions", "sandbox_id")]
)
def test_pages_to_the_end_are_the_whole(web_client: FlaskClient, path: str, key: str) -> None:
    whole = [one[key] for one in read(web_client, path, limit=500)["items"]]
    parts = list(pages(web_client, path, limit=2))
    assert [one[key] for page in parts for one in page] == whole
    assert len(parts) > 1
    assert all(len(page) <= 2 for page in parts)


def test_the_filters_of_the_events_choose(web_client: FlaskClient, fleet: Fleet) -> None:
    everything = read(web_client, "events", order="asc", limit=500)["items"]
    assert [one["position"] for one in everything] == list(range(1, len(everything) + 1))
    stream = f"sandbox:{fleet.ids['warm']}"
    assert {one["stream"] for one in read(web_client, "events", stream=stream)["items"]} == {stream}
    middle = everything[len(everything) // 2]
    behind = read(web_client, "events", after=middle["position"], order="asc", limit=500)["items"]
    assert behind[0]["position"] == middle["position"] + 1
    since = read(web_client, "events", since=middle["recorded_at"], order="asc", limit=500)["items"]
    assert since[0]["position"] <= middle["position"]
    assert read(web_client, "events", until="1969-12-31T23:59:60.5+01:00")["items"] == []
    kinds = read(web_client, "events", type=["WorkerStarted", "SandboxReady"])["items"]
    assert {one["type"] for one in kinds} == {"WorkerStarted", "SandboxReady"}


@pytest.mark.parametrize("path", ["events", "audit"])
def test_what_did_not_change_is_not_sent_again(web_client: FlaskClient, fleet: Fleet, path: str) -> None:
    first = web_client.get(f"/api/v1/{path}")
    known = {"If-None-Match": first.headers["ETag"]}
    same = web_client.get(f"/api/v1/{path}", headers=known)
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert web_client.get(f"/api/v1/{path}?limit=1", headers=known).status_code == 200
    fleet.acquire("one more")
    assert web_client.get(f"/api/v1/{path}", headers=known).status_code == 200


@pytest.mark.parametrize("path", ["projections", "violations"])
def test_what_is_altered_behind_the_log_is_never_taken_for_unchanged(
    web_client: FlaskClient, fleet: Fleet, path: str
) -> None:
    assert fleet.ids
    assert "ETag" not in web_client.get(f"/api/v1/{path}").headers


def test_a_sandbox_has_its_version_as_a_tag(web_client: FlaskClient, fleet: Fleet) -> None:
    path = f"/api/v1/sandboxes/{fleet.ids['warm']}"
    first = web_client.get(path)
    assert first.json is not None
    assert first.headers["ETag"].strip('"').split(".")[0] == str(first.json["version"])
    assert web_client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    fleet.acquire("warm", "alice")
    assert web_client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("sandboxes?limit=0", 400, "limit: not between 1 and 500"),
        ("sandboxes?limit=501", 400, "limit: not between 1 and 500"),
        ("sandboxes?limit=ten", 400, "limit: no whole number"),
        ("sandboxes?limit=1&limit=2", 400, "given 2 times"),
        ("sandboxes?sort=size", 400, "sort: none of created_at"),
        ("sandboxes?colour=red", 400, "colour: no such parameter"),
        ("sandboxes?q=colour:red", 422, "colour: no such key"),
        ("sandboxes?q=%00", 400, "q: does not match"),
        ("sandboxes?cursor=nonsense", 422, "cursor: not one of this list"),
        ("events?type=Nonsense", 400, "type: none of"),
        ("events?since=yesterday", 400, "since: no time with a zone"),
        ("events?since=2026-13-01T00:00:00Z", 400, "since: no time of the calendar"),
        ("workers?ended=maybe", 400, "ended: neither true nor false"),
        ("sandboxes/nonsense", 400, "sandbox_id: does not match"),
        (f"sandboxes/{UNKNOWN}", 404, "not in the ledger"),
        (f"sandboxes/{UNKNOWN}/events", 404, "not in the ledger"),
        ("nowhere", 404, ""),
    ],
)
def test_what_cannot_be_read_is_a_problem(open_client: Open, path: str, status: int, words: str) -> None:
    answer = open_client().get(f"/api/v1/{path}")
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert (answer.status_code, answer.json["status"], answer.json["type"]) == (status, status, "about:blank")
    assert answer.json["instance"].startswith("/api/v1/")
    assert words in answer.json["detail"]
    if status == 400:
        assert answer.json["errors"][0].keys() == {"parameter", "detail"}


def test_a_cursor_of_another_list_is_refused(web_client: FlaskClient) -> None:
    cursor = read(web_client, "events", limit=1)["next"]
    assert web_client.get("/api/v1/sandboxes", query_string={"cursor": cursor}).status_code == 422


def test_other_methods_and_other_formats_are_problems(open_client: Open) -> None:
    client = open_client()
    other = client.delete("/api/v1/now")
    assert (other.status_code, other.content_type) == (405, "application/problem+json")
    assert "GET" in other.headers["Allow"]
    assert client.get("/api/v1/now", headers={"Accept": "text/html"}).status_code == 406
    assert client.get("/api/v1/now", headers={"Accept": "application/*"}).status_code == 200


def test_who_did_not_sign_in_is_told_how(token_client: FlaskClient) -> None:
    for path in (*LISTS, *SINGLE):
        answer = token_client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert token_client.get("/api/v1/now", headers=bearer("victor")).status_code == 200


def test_a_database_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    settings = configuration(f"postgresql://user:hidden-word@127.0.0.1:1/{tmp_path.name}")
    with open_app(settings) as app:
        answer = app.test_client().get("/api/v1/sandboxes")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "Retry-After" in answer.headers
    assert "hidden-word" not in answer.text


def test_no_answer_tells_a_secret(fleet: Fleet) -> None:
    settings = {**fleet.configuration, "web": {"port": 0, **token_settings()}}
    settings["sandbox"] = {**settings["sandbox"], "environment": {"API_KEY": "hidden-word"}}
    with open_app(settings) as app:
        client = app.test_client()
        told = [client.get(f"/api/v1/{path}", headers=bearer("alice")).text for path in (*LISTS, *SINGLE)]
    assert all(len(text) > 20 for text in told)
    assert not any(secret in text for text in told for secret in ("hidden-word", "the-token-of", "a key that only"))


def test_the_description_is_whole_and_says_what_there_is(open_client: Open) -> None:
    answer = open_client().get("/api/v1/openapi.json")
    document = answer.json
    assert document is not None
    assert document["openapi"] == "3.1.0"
    assert "/sandboxes/{sandbox_id}" in document["paths"]
    text = json.dumps(document)
    referred = {one.split('"')[0] for one in text.split("#/components/schemas/")[1:]}
    assert referred == set(document["components"]["schemas"])
    types = document["paths"]["/events"]["get"]["parameters"][0]["schema"]["items"]["enum"]
    assert types == sorted(REGISTRY)


def test_addresses_are_those_of_the_place_it_is_mounted_at(fleet: Fleet) -> None:
    host = Flask("host")
    dashboard = create_blueprint(fleet.configuration, ask=lambda: ("carol", "viewer"))
    host.register_blueprint(dashboard, url_prefix="/x")
    client = host.test_client()
    assert client.get("/x/api/v1/openapi.json").json["servers"] == [{"url": "/x/api/v1"}]  # type: ignore[index]
    assert client.get("/x/api/v1/events?limit=1").headers["Link"].startswith("</x/api/v1/events?limit=1&cursor=")
    wrong = client.get("/x/api/v1/events?limit=0")
    assert wrong.json is not None
    assert (wrong.content_type, wrong.json["instance"]) == ("application/problem+json", "/x/api/v1/events?limit=0")
    assert "see /x/api/v1/openapi.json" in wrong.json["detail"]
