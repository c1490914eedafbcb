"""Health, readiness and metrics."""

from __future__ import annotations

import re

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from provider.bootstrap.stores import open_store
from tests.support.signing_in import bearer
from tests.support.web import Fleet, open_app
from web import create_app

NOWHERE = {"database": {"url": "postgresql://nobody:hush@127.0.0.1:1/nothing"}}


def read_metrics(client: FlaskClient) -> dict[tuple[str, str], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_working_server_is_alive_and_ready(web_client: FlaskClient) -> None:
    for path, word in (("/livez", "ok\n"), ("/readyz", "ready\n")):
        answer = web_client.get(path)
        assert (answer.status_code, answer.text) == (200, word)
    document = web_client.get("/readyz?verbose").get_json()
    assert document["status"] == "ready"
    assert document["checks"] == {"store": "ok", "feed": "ok", "schema": "ok"}
    assert document["position"] > 0
    assert document["stale_since"] is None


def test_probes_need_no_token_and_no_known_name(token_client: FlaskClient) -> None:
    for path in ("/livez", "/readyz", "/readyz?verbose"):
        headers = {"Host": "10.1.2.3:8642"}
        assert token_client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200
    assert token_client.get("/metrics").status_code == 401
    assert token_client.get("/metrics", headers=bearer("victor")).status_code == 200


def test_without_a_database_it_is_alive_and_not_ready() -> None:
    with open_app(NOWHERE) as app:
        client = app.test_client()
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        document = client.get("/readyz?verbose").get_json()
        assert document["status"] == "not ready"
        assert document["checks"]["store"].startswith("failed: ")
        assert "hush" not in str(document)
        assert read_metrics(client) == {("sandbox_ledger_up", ""): 0}
        page = client.get("/")
        assert page.status_code == 503
        assert "hush" not in page.text


def test_who_has_not_signed_in_is_told_no_address() -> None:
    app = create_app(NOWHERE)
    answer = app.test_client().get("/readyz?verbose", environ_overrides={"REMOTE_ADDR": "10.0.0.9"})
    assert (answer.status_code, answer.get_json()["checks"]["store"]) == (503, "failed")
    app.extensions["sandbox-ledger"].close()


def test_another_schema_is_not_ready(empty_fleet: Fleet) -> None:
    with open_app(empty_fleet.settings) as app:
        client = app.test_client()
        assert client.get("/readyz?verbose").status_code == 200
        store = open_store(empty_fleet.settings)
        with store.database.engine.connect() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            connection.commit()
        store.close()
        answer = client.get("/readyz?verbose")
        assert answer.status_code == 503
        assert "is 9999, must be" in answer.get_json()["checks"]["schema"]


def test_the_metrics_are_those_of_the_ledger(web_client: FlaskClient, fleet: Fleet) -> None:
    found = read_metrics(web_client)
    assert found["sandbox_ledger_up", ""] == 1
    assert found["sandbox_starts_total", ""] == 7
    assert found["sandbox_restarts_total", ""] == 1
    assert found["sandbox_ends_total", "crashed"] == 2
    assert found["sandbox_ends_total", "oom"] == 1
    assert found["sandbox_ends_total", "request"] == 1
    assert found["sandbox_ends_total", "idle"] == 0
    assert found["sandbox_sandboxes", "active"] == 2
    assert found["sandbox_sandboxes", "warm"] == 1
    assert found["sandbox_sandboxes", "dead"] == 2
    assert found["sandbox_startup_seconds_count", ""] == 7
    assert found["sandbox_workers_running", ""] == 1
    assert found["sandbox_capacity", ""] == 100
    assert found["sandbox_ledger_events_total", ""] == found["sandbox_ledger_position", ""]


def test_several_servers_agree(web_client: FlaskClient, fleet: Fleet) -> None:
    with open_app(fleet.settings) as other:
        assert read_metrics(other.test_client()) == read_metrics(web_client)


def test_metrics_have_the_prefix_a_help_and_no_label_that_grows(web_client: FlaskClient, fleet: Fleet) -> None:
    answer = web_client.get("/metrics").text
    for family in text_string_to_metric_families(answer):
        assert family.name.startswith("sandbox_")
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) <= {"reason", "status", "how", "outcome"}
    before = len(answer.splitlines())
    for number in range(5):
        fleet.acquire(f"another-{number}", f"user-{number}")
    assert len(web_client.get("/metrics").text.splitlines()) == before
    assert not re.search("alice|fake|" + "|".join(fleet.ids.values()), answer)


def test_a_page_that_cannot_have_changed_is_not_sent_again(web_client: FlaskClient, fleet: Fleet) -> None:
    # The ages on a page change from time to time, and its tag with them: then once more.
    first, again = "", web_client.get("/")
    for _ in range(3):
        first = web_client.get("/").headers["ETag"]
        again = web_client.get("/", headers={"If-None-Match": first})
        if again.headers["ETag"] == first:
            break
    assert (again.status_code, again.data, again.headers["Cache-Control"]) == (304, b"", "no-store")
    fleet.acquire("one more")
    changed = web_client.get("/", headers={"If-None-Match": first})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first


def test_a_page_of_another_theme_is_another_page(web_client: FlaskClient) -> None:
    first = web_client.get("/").headers["ETag"]
    web_client.set_cookie("theme", "dark")
    assert web_client.get("/", headers={"If-None-Match": first}).status_code == 200
