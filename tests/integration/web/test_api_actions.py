"""The JSON API, acting: who may, once, on which version, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from provider import open_provider
from tests.support.signing_in import bearer, token_settings
from tests.support.web import Fleet, WebServer, configuration, open_app

SECRET = "c4n4ry-of-the-mine"
UNKNOWN = "0123456789abcdef"


def act(client: FlaskClient, path: str, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
    return client.post(f"/api/v1/{path}", json={"reason": "paged", **body}, headers=headers)


def audit(client: FlaskClient) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/audit")
    assert answer.json is not None
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def test_an_action_is_done_and_on_record(web_client: FlaskClient, fleet: Fleet) -> None:
    active = fleet.ids["active"]
    answer = act(web_client, f"sandboxes/{active}/actions/release")
    assert answer.json is not None
    assert (answer.status_code, answer.json["outcome"]) == (200, "done")
    assert answer.json["detail"] == f"released from {fleet.provider.worker_id}"
    (row,) = audit(web_client)
    told = (row["operator"], row["action"], row["sandbox_id"], row["reason"], row["outcome"])
    assert told == ("local", "release", active, "paged", "done")
    assert row["correlation_id"] == answer.json["correlation_id"]
    assert web_client.get(f"/api/v1/sandboxes/{active}").json["status"] == "warm"  # type: ignore[index]


def test_only_the_version_that_was_seen_is_acted_on(web_client: FlaskClient, fleet: Fleet) -> None:
    path = f"sandboxes/{fleet.ids['warm']}"
    tag = web_client.get(f"/api/v1/{path}").headers["ETag"]
    fleet.acquire("warm", "alice")
    refused = act(web_client, f"{path}/actions/destroy", {"If-Match": tag})
    assert (refused.status_code, refused.content_type) == (412, "application/problem+json")
    assert audit(web_client) == []
    tag = web_client.get(f"/api/v1/{path}").headers["ETag"]
    assert act(web_client, f"{path}/actions/release", {"If-Match": tag}).status_code == 200
    assert act(web_client, f"{path}/actions/release", {"If-Match": "*"}).status_code == 200
    assert act(web_client, f"{path}/actions/release", {"If-Match": "nonsense"}).status_code == 400


def test_a_key_makes_it_happen_once(web_client: FlaskClient, fleet: Fleet) -> None:
    path, key = f"sandboxes/{fleet.ids['active']}/actions/release", {"Idempotency-Key": "k1"}
    first, again = act(web_client, path, key).json, act(web_client, path, key).json
    assert first is not None
    assert again == {**first, "repeated": True}
    assert len(audit(web_client)) == 1
    reused = act(web_client, path.replace("release", "destroy"), key)
    assert (reused.status_code, "used for another request" in reused.text) == (422, True)


def test_a_key_makes_it_happen_once_in_whatever_process(
    web_client: FlaskClient, web_server: WebServer, fleet: Fleet
) -> None:
    import httpx

    path, key = f"sandboxes/{fleet.ids['active']}/actions/release", {"Idempotency-Key": "k1"}
    there = httpx.post(f"{web_server.url}/api/v1/{path}", json={"reason": "paged"}, headers=key, timeout=30)
    assert (there.status_code, there.json()["repeated"]) == (200, False)
    here = act(web_client, path, key)
    assert here.json == {**there.json(), "repeated": True}


def test_many_are_acted_on_only_when_as_many_match(web_client: FlaskClient, fleet: Fleet) -> None:
    query = "user:alice status:active,warm"
    refused = act(web_client, "sandboxes/actions/destroy", count=9, q=query)
    assert refused.json is not None
    assert (refused.status_code, refused.json["action"]["outcome"]) == (409, "refused")
    assert "3 match now, 9 were expected" in refused.json["detail"]
    done = act(web_client, "sandboxes/actions/destroy", count=3, q=query)
    assert done.json is not None
    assert (done.status_code, done.json["detail"]) == (200, "3 done")
    assert {part["outcome"] for part in done.json["parts"]} == {"done"}
    assert [row["outcome"] for row in audit(web_client)] == ["done", "refused"]
    assert web_client.get("/api/v1/sandboxes/count", query_string={"q": query}).json == {"value": 0, "is_capped": False}


def test_a_sweep_tells_its_report(web_client: FlaskClient) -> None:
    planned = act(web_client, "sweeps/actions/dry_run")
    assert planned.json is not None
    assert (planned.status_code, planned.json["report"]["dry_run"]) == (200, True)
    swept = act(web_client, "sweeps/actions/sweep")
    assert swept.json is not None
    assert swept.json["report"]["sweep_id"] == web_client.get("/api/v1/sweeps").json["items"][0]["sweep_id"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        (f"sandboxes/{UNKNOWN}/actions/destroy", {"reason": "x"}, 404, "not in the ledger"),
        (f"sandboxes/{UNKNOWN}/actions/explode", {"reason": "x"}, 400, "action: none of release"),
        ("sandboxes/nonsense/actions/destroy", {"reason": "x"}, 400, "sandbox_id: does not match"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", {}, 422, "/reason: is missing"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", {"reason": " \n"}, 422, "/reason: is empty"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", {"reason": 7}, 422, "/reason: is no string"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", {"reason": "x" * 501}, 422, "/reason: 501 characters"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", {"reason": "x", "a/b": 1}, 422, "/a~1b: no such field"),
        (f"sandboxes/{UNKNOWN}/actions/destroy", ["x"], 400, "no JSON object"),
        ("sandboxes/actions/destroy", {"reason": "x", "q": "", "count": True}, 422, "/count: is no integer"),
        ("sandboxes/actions/destroy", {"reason": "x", "q": "", "count": 501}, 422, "/count: not between 0 and 500"),
        ("sandboxes/actions/destroy", {"reason": "x", "q": "a:b", "count": 0}, 422, "a: no such key"),
        ("sweeps/actions/sweep", {"reason": "x", "adopt": "yes"}, 422, "/adopt: is no boolean"),
    ],
)
def test_what_cannot_be_asked_for_is_a_problem(
    web_client: FlaskClient, path: str, body: Any, status: int, words: str
) -> None:
    answer = web_client.post(f"/api/v1/{path}", json=body)
    assert answer.json is not None
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert words in answer.json["detail"]
    assert audit(web_client) == []


def test_what_is_no_json_is_refused(web_client: FlaskClient) -> None:
    path = f"/api/v1/sandboxes/{UNKNOWN}/actions/destroy"
    assert web_client.post(path, data={"reason": "x"}).status_code == 415
    for text, status in (("{", 400), ("[" * 50_000, 400), ('{"reason": "' + "x" * 70_000 + '"}', 413)):
        answer = web_client.post(path, data=text, content_type="application/json")
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


@pytest.fixture
def token_fleet_client(fleet: Fleet) -> Iterator[FlaskClient]:
    with open_app(configuration(fleet.url, **token_settings())) as app:
        yield app.test_client()


def test_a_viewer_cannot_act_and_an_operator_has_a_name(token_fleet_client: FlaskClient, fleet: Fleet) -> None:
    path = f"sandboxes/{fleet.ids['active']}/actions/release"
    nobody, viewer = act(token_fleet_client, path), act(token_fleet_client, path, bearer("victor"))
    assert (nobody.status_code, viewer.status_code) == (401, 403)
    assert viewer.content_type == "application/problem+json"
    done = act(token_fleet_client, path, bearer("alice"))
    assert done.json is not None
    assert (done.status_code, done.json["operator"]) == (200, "alice")
    rows = token_fleet_client.get("/api/v1/audit", headers=bearer("victor")).json
    assert rows is not None
    assert [row["operator"] for row in rows["items"]] == ["alice"]


def test_an_engine_that_does_not_answer_is_a_problem_and_on_record(fleet: Fleet, tmp_path: Any) -> None:
    settings = fleet.configuration
    settings["sandbox"] = {"backend": "docker", "engine": f"unix://{tmp_path}/none.sock", "replicas": 100}
    with open_app(settings) as app:
        client = app.test_client()
        path, key = f"sandboxes/{fleet.ids['active']}/actions/restart", {"Idempotency-Key": "k1"}
        first, again = act(client, path, key), act(client, path, key)
        (row,) = audit(client)
    assert first.json is not None
    assert (first.status_code, first.json["action"]["outcome"]) == (503, "failed")
    assert (row["outcome"], row["detail"]) == ("failed", first.json["detail"])
    assert again.json is not None
    assert (again.status_code, again.json["detail"]) == (503, first.json["detail"])


def test_s85_no_answer_to_an_action_tells_a_secret(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = configuration(sqlite_url)
    settings["sandbox"]["environment"] = {"API_KEY": SECRET}
    with open_provider(settings) as provider:
        sandbox = provider.ensure("t")
        assert sandbox.execute_command("echo $API_KEY").output == f"{SECRET}\n"
        settings["sandbox"]["readiness"] = {"path": f"/never?{SECRET}", "timeout": 0.5}
        with open_app(settings) as app:
            client = app.test_client()
            answers = [
                act(client, f"sandboxes/{sandbox.id}/actions/{action}") for action in ("restart", "clear", "destroy")
            ]
            pages = [client.get(path) for path in ("/audit", f"/sandboxes/{sandbox.id}", "/api/v1/audit", "/events")]
        provider.destroy(sandbox.id)
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert [SECRET in answer.text for answer in [*answers, *pages]] == [False] * 7
