"""/system tells what `v_violations` says and how the projections compare, at most a minute old."""

from __future__ import annotations

from flask.testing import FlaskClient

from provider.bootstrap import open_reports
from provider.config.loading import load_settings
from provider.store.database import open_database
from tests.contract.store_support import remove_guards
from tests.integration.web.conftest import Open
from tests.support.web import configuration, open_fleet
from web.invariants import FRESH_SECONDS, Invariants

BREAK = "INSERT INTO streams (stream, version) VALUES ('worker:<b>', 7)"


def execute(url: str, statement: str, *, unguarded: bool = False) -> None:
    database = open_database(url)
    with database.writing() as connection:
        if unguarded:
            remove_guards(connection)
        connection.exec_driver_sql(statement)
    database.close()


def text_of(client: FlaskClient) -> str:
    answer = client.get("/system")
    assert answer.status_code == 200
    return answer.text


def test_a_healthy_ledger_has_none(open_client: Open) -> None:
    assert "none broken" in text_of(open_client())


def test_each_broken_one_is_told_with_what_it_is_about(open_client: Open, sqlite_url: str) -> None:
    client = open_client()
    assert client.get("/readyz").status_code == 200
    execute(sqlite_url, BREAK)
    shown = text_of(client)
    assert "1 broken" in shown
    assert "stream_differs" in shown
    assert "worker:&lt;b&gt;" in shown
    assert "worker:<b>" not in shown


def test_it_is_looked_up_again_after_a_minute_and_not_before(sqlite_url: str) -> None:
    seconds = 1000.0
    invariants = Invariants(lambda: seconds)
    reports = open_reports(load_settings(configuration(sqlite_url)))
    assert invariants.look(reports).violations == []
    execute(sqlite_url, BREAK)
    seconds += FRESH_SECONDS - 1
    assert invariants.look(reports).violations == []
    seconds += 1
    assert [one.rule for one in invariants.look(reports).violations] == ["stream_differs"]
    reports.close()


def test_a_projection_that_differs_from_the_log_is_told(open_client: Open, sqlite_url: str) -> None:
    client = open_client()
    with open_fleet(sqlite_url) as fleet:
        fleet.acquire("t", "alice")
    execute(sqlite_url, "UPDATE sandboxes SET thread_id = 'an <i>other</i>'")
    shown = text_of(client)
    assert "1 difference</span> from the log" in shown
    assert "an &lt;i&gt;other&lt;/i&gt;" in shown


def test_a_damaged_log_is_told_instead_of_compared(open_client: Open, sqlite_url: str) -> None:
    client = open_client()
    with open_fleet(sqlite_url) as fleet:
        fleet.acquire("t", "alice")
    execute(sqlite_url, "UPDATE events SET actor = 'mallory'", unguarded=True)
    shown = text_of(client)
    assert "not compared" in shown
    assert "hash" in shown
