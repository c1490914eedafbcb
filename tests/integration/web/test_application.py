"""The dashboard as an application, as a blueprint under a prefix, and as a server."""

from __future__ import annotations

import httpx
from flask import Flask
from flask.testing import FlaskClient

from tests.support.web import Fleet, WebServer
from web import create_app, create_blueprint
from web.services import services


def test_the_first_page_answers(web_client: FlaskClient) -> None:
    answer = web_client.get("/")
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")


def test_an_unknown_url_is_a_page_for_people_and_a_problem_for_programs(web_client: FlaskClient) -> None:
    page = web_client.get("/nowhere")
    assert (page.status_code, page.content_type) == (404, "text/html; charset=utf-8")
    problem = web_client.get("/api/v1/nowhere")
    assert (problem.status_code, problem.content_type) == (404, "application/problem+json")
    document = problem.get_json(force=True)
    assert (document["status"], document["title"]) == (404, "Not Found")


def test_a_method_that_is_not_there_says_which_ones_are(web_client: FlaskClient) -> None:
    answer = web_client.delete("/")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_under_a_prefix_every_link_has_it(fleet: Fleet) -> None:
    host = Flask("host")
    host.register_blueprint(create_blueprint(fleet.settings), url_prefix="/sandboxes")
    page = host.test_client().get("/sandboxes/")
    assert page.status_code == 200
    assert 'href="/sandboxes/"' in page.text


def test_behind_a_proxy_that_strips_a_prefix_every_link_has_it(web_client: FlaskClient) -> None:
    page = web_client.get("/", environ_overrides={"SCRIPT_NAME": "/ledger"})
    assert 'href="/ledger/"' in page.text


def test_a_database_that_does_not_answer_is_a_page_of_its_own(tmp_path: object) -> None:
    app = create_app({"database": {"url": "postgresql://nobody@127.0.0.1:1/nothing"}})

    @app.get("/ask")
    def ask() -> str:
        return str(services().insights.head_position())

    answer = app.test_client().get("/ask")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "127.0.0.1" in answer.text


def test_a_real_server_answers_and_ends_in_order(web_server: WebServer) -> None:
    answer = httpx.get(f"{web_server.url}/")
    assert answer.status_code == 200
    assert web_server.stop() == 0
