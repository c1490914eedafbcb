"""What is let in, what is refused, and what every answer tells the browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import web
from provider.config.settings import WebRole
from tests.integration.web.conftest import Open
from tests.support.signing_in import SAME_ORIGIN, add_an_action, bearer, sign_in, token_settings
from tests.support.web import configuration
from web import create_app, create_blueprint
from web.security.headers import POLICY

TEMPLATES = sorted((Path(web.__file__).parent / "templates").rglob("*.html"))
PROXY = {
    "auth": "proxy",
    "proxy": {"trusted_addresses": ["10.0.0.0/24"], "roles": {"alice": "operator", "v": "viewer"}},
}
BEHIND = {"REMOTE_ADDR": "10.0.0.1"}


def test_the_policy_is_the_one_that_was_decided() -> None:
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [
        ("/", 200, {}),
        ("/static/app.css", 200, {}),
        ("/nowhere", 404, {}),
        ("/api/v1/nowhere", 404, {}),
        ("/", 400, {"Host": "evil.example"}),
        ("/static/nothing.css", 404, {}),
    ],
)
def test_every_answer_carries_the_policy(open_client: Open, path: str, status: int, headers: dict[str, str]) -> None:
    with open_client().get(path, headers=headers) as answer:
        assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if not path.startswith("/static/app"):
        assert answer.headers["Cache-Control"] == "no-store"


def test_only_a_static_file_whose_address_changes_with_it_is_kept_for_good(open_client: Open) -> None:
    client = open_client()
    for path, kept in (("/static/app.css?v=1", True), ("/static/app.css", False), ("/static/no.css?v=1", False)):
        with client.get(path) as answer:
            assert ("immutable" in answer.headers["Cache-Control"]) is kept
    with client.get("/static/app.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_an_error_that_nobody_foresaw_carries_the_policy_and_tells_nothing(sqlite_url: str) -> None:
    app = create_app(configuration(sqlite_url))

    @app.get("/break")
    def break_it() -> str:
        raise ZeroDivisionError("a secret thing")

    answer = app.test_client().get("/break")
    assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (500, POLICY)
    assert "secret thing" not in answer.text


def test_redirections_and_refusals_carry_it_too(token_client: FlaskClient) -> None:
    answers = [
        token_client.get("/"),
        token_client.post("/"),
        token_client.get("/", headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [answer.headers["Content-Security-Policy"] for answer in answers] == [POLICY] * 3


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_script_or_a_style_inside(path: Path) -> None:
    text = re.sub(r"\{%.*?%\}", "", path.read_text())
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<style" not in text
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert "javascript:" not in text
    assert not re.search(r"""(src|href|action)\s*=\s*["'](https?:)?//""", text), "nothing from another server"


@pytest.mark.parametrize("filter_", ["safe", "Markup", "autoescape false"])
def test_no_template_takes_the_escaping_off(filter_: str) -> None:
    for path in TEMPLATES:
        assert not re.search(rf"\|\s*{filter_}\b|{{%-?\s*{filter_}", path.read_text()), path


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8642", "10.0.0.7"])
def test_another_name_is_refused_before_anything_else(open_client: Open, host: str) -> None:
    answer = open_client().get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "web.allowed_hosts" in answer.text


def test_names_from_the_configuration_are_answered(open_client: Open) -> None:
    client = open_client(allowed_hosts=["ledger.example"])
    assert client.get("/", headers={"Host": "ledger.example:8642"}).status_code == 200


def test_without_authentication_only_this_machine_is_let_in(open_client: Open) -> None:
    answer = open_client().get("/", environ_overrides={"REMOTE_ADDR": "10.0.0.9"})
    assert answer.status_code == 403
    assert "web.auth is none" in answer.text


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("10.0.0.1", {"X-Forwarded-User": "alice"}, 200),
        ("10.0.0.1", {"X-Forwarded-User": "v"}, 200),
        ("10.0.0.1", {"X-Forwarded-User": "nobody"}, 403),
        ("10.0.0.1", {}, 403),
        ("10.0.0.1", {"X-Forwarded-User": " "}, 403),
        ("10.0.0.1", {"X-Forwarded-User": "mallory,alice"}, 403),
        ("10.0.1.1", {"X-Forwarded-User": "alice"}, 403),
        ("127.0.0.1", {"X-Forwarded-User": "alice"}, 403),
        ("10.0.1.1", {"X-Forwarded-User": "alice", "X-Forwarded-For": "10.0.0.1"}, 403),
    ],
)
def test_a_proxy_is_believed_only_from_its_address(
    open_client: Open, peer: str, headers: dict[str, str], status: int
) -> None:
    answer = open_client(**PROXY).get("/", headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    assert answer.status_code == status


def test_a_proxy_that_passes_a_clients_header_on_is_not_believed(open_client: Open) -> None:
    client = open_client(**{**PROXY, "proxy": {**PROXY["proxy"], "default_role": "viewer"}})  # type: ignore[dict-item]
    for user, status in (("mallory", 200), ("mallory,alice", 403), ("mallory, alice", 403)):
        answer = client.get("/", headers={"X-Forwarded-User": user}, environ_overrides=BEHIND)
        assert answer.status_code == status


def test_what_one_was_shown_is_not_unchanged_for_another(open_client: Open) -> None:
    client = open_client(**PROXY)
    shown = client.get("/", headers={"X-Forwarded-User": "alice"}, environ_overrides=BEHIND)
    known = {"X-Forwarded-User": "v", "If-None-Match": shown.headers["ETag"]}
    assert client.get("/", headers=known, environ_overrides=BEHIND).status_code == 200


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("staff, sre", "operator"),
        ("staff", "viewer"),
        ("sre", "operator"),
        ("others", None),
        ("", None),
        ("sre2", None),
    ],
)
def test_the_role_may_come_from_a_header_of_groups(open_client: Open, groups: str, role: str | None) -> None:
    proxy = {
        "trusted_addresses": ["10.0.0.1"], "role_header": "X-Groups", "roles": {"sre": "operator", "staff": "viewer"},
    }  # fmt: skip
    headers = {"X-Forwarded-User": "alice", "X-Groups": groups}
    answer = open_client(auth="proxy", proxy=proxy).get("/", headers=headers, environ_overrides=BEHIND)
    assert (f"<b>alice</b> ({role})" in answer.text) is (role is not None)
    assert answer.status_code == (200 if role else 403)


def test_what_nobody_registered_is_for_those_who_are_let_in(token_client: FlaskClient) -> None:
    add_an_action(token_client)
    assert token_client.post("/unlisted").status_code == 401
    assert token_client.post("/unlisted", headers=bearer("victor")).text == "done"


def test_another_site_can_make_no_browser_act(token_client: FlaskClient) -> None:
    add_an_action(token_client)
    sign_in(token_client, "alice")
    assert token_client.post("/unlisted", headers=SAME_ORIGIN).text == "done"
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert token_client.post("/unlisted", headers=headers).status_code == 403
    assert token_client.post("/unlisted", headers=bearer("alice")).text == "done"


def test_another_site_cannot_sign_a_browser_in(token_client: FlaskClient) -> None:
    form = {"name": "alice", "token": "x"}
    assert token_client.post("/login", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_an_application_around_the_dashboard_may_say_who_asks(sqlite_url: str) -> None:
    who: list[tuple[str, WebRole] | None] = [None]
    host = Flask("host")
    host.register_blueprint(create_blueprint(configuration(sqlite_url), ask=lambda: who[0]), url_prefix="/x")
    client = host.test_client()
    assert client.get("/x/").status_code == 403
    who[0] = ("carol", "viewer")
    assert "<b>carol</b> (viewer)" in client.get("/x/", environ_overrides={"REMOTE_ADDR": "10.9.9.9"}).text


def test_the_public_url_gives_scheme_and_path_whether_or_not_the_proxy_takes_the_path_off(open_client: Open) -> None:
    client = open_client(**token_settings(), public_url="https://ledger.example/boxes")
    for path in ("/boxes/login", "/login"):
        page = client.get(path, headers={"Host": "ledger.example"})
        assert page.status_code == 200
        assert 'action="/boxes/login"' in page.text
    form = {"name": "alice", "token": "the-token-of-alice", "next": "/boxes/?q=1"}
    answer = client.post("/login", data=form, headers={"Host": "ledger.example", **SAME_ORIGIN})
    assert answer.headers["Location"] == "/boxes/?q=1"
    assert {"Secure", "Path=/boxes/"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert client.get("/boxesother", headers={"Host": "ledger.example"}).status_code == 404


@pytest.mark.parametrize(
    ("peer", "scheme", "is_secure"),
    [
        ("127.0.0.1", "https", True),
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "javascript", False),
        ("198.51.100.1", "https", False),
    ],
)
def test_the_scheme_is_believed_from_this_machine_and_from_trusted_proxies(
    open_client: Open, peer: str, scheme: str, is_secure: bool
) -> None:
    client = open_client(**token_settings(), proxy={"trusted_addresses": ["10.0.0.1"]})
    signed_in = sign_in(client, "alice", environ_overrides={"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": scheme})
    assert ("Secure" in signed_in.headers["Set-Cookie"].split("; ")) is is_secure
