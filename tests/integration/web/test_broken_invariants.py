"""/system tells what `v_violations` says, at most a minute old."""

from __future__ import annotations

from flask.testing import FlaskClient

from provider.bootstrap import open_reports
from provider.config import load_settings
from provider.store.engine import create_engine, write_transaction
from tests.integration.web.conftest import Open
from tests.support.web import configuration
from web.invariants import FRESH_SECONDS, Invariants

BREAK = "INSERT INTO streams (stream, version) VALUES ('worker:<b>', 7)"


def execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with write_transaction(engine) as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


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
