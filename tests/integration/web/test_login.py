"""Signing in with a token: the form, the session, the bearer, and how often one may try."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.integration.web.conftest import Open
from tests.support.signing_in import SAME_ORIGIN, TOKENS, add_an_action, bearer, sign_in, token_settings
from web.security.sessions import COOKIE


def test_who_has_not_signed_in_is_shown_the_form_and_brought_back(token_client: FlaskClient) -> None:
    answer = token_client.get("/?q=a%20b")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=/?q%3Da%2520b")
    form = token_client.get(answer.headers["Location"])
    assert 'value="/?q=a%20b"' in form.text
    assert sign_in(token_client, "alice", next_url="/?q=a%20b").headers["Location"] == "/?q=a%20b"
    page = token_client.get("/?q=a%20b")
    assert page.status_code == 200
    assert "<b>alice</b> (operator)" in page.text


def test_the_cookie_is_for_this_server_and_this_site_only(token_client: FlaskClient) -> None:
    plain = sign_in(token_client, "alice").headers["Set-Cookie"]
    assert plain.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"} <= set(plain.split("; "))
    assert "Secure" not in plain
    secure = sign_in(token_client, "alice", base_url="https://localhost").headers["Set-Cookie"]
    assert "Secure" in secure.split("; ")


def test_signing_out_ends_the_session(token_client: FlaskClient) -> None:
    sign_in(token_client, "alice")
    assert token_client.post("/logout", headers=SAME_ORIGIN).headers["Location"] == "/login"
    assert token_client.get("/").status_code == 303


def test_a_copy_of_a_cookie_is_worth_nothing_after_signing_out_in_any_process(open_client: Open) -> None:
    here, elsewhere = open_client(**token_settings()), open_client(**token_settings())
    sign_in(here, "alice")
    cookie = here.get_cookie(COOKIE)
    assert cookie is not None
    elsewhere.set_cookie(COOKIE, cookie.value)
    assert elsewhere.get("/").status_code == 200
    here.post("/logout", headers=SAME_ORIGIN)
    here.set_cookie(COOKIE, cookie.value)
    for client in (here, elsewhere):
        assert client.get("/").status_code == 303
        assert client.get("/api/v1/now").status_code == 401
        assert client.post("/sweeps/act", headers=SAME_ORIGIN).status_code == 401
    sign_in(here, "alice")
    assert here.get("/").status_code == 200


def test_a_sign_out_that_cannot_be_recorded_says_so_and_leaves_the_session(
    token_client: FlaskClient, tmp_path: Path
) -> None:
    sign_in(token_client, "alice")
    kept = tmp_path / "state" / "sandbox-ledger" / "web-signed-out"
    kept.rmdir()
    kept.write_text("no directory any more")
    answer = token_client.post("/logout", headers=SAME_ORIGIN)
    assert (answer.status_code, "you are still signed in" in answer.text) == (500, True)
    assert token_client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("alice", "wrong"), ("alice", ""), ("alice", TOKENS["victor"]), ("victor", TOKENS["alice"]),
        ("nobody", TOKENS["alice"]), ("", TOKENS["alice"]),
    ],
)  # fmt: skip
def test_a_wrong_name_or_token_is_refused_with_the_same_words(token_client: FlaskClient, name: str, token: str) -> None:
    answer = sign_in(token_client, name, token)
    assert answer.status_code == 401
    assert "No such name and token." in answer.text
    assert "Set-Cookie" not in answer.headers
    if token:
        assert token not in answer.text


def test_an_altered_session_is_none(token_client: FlaskClient) -> None:
    sign_in(token_client, "victor")
    cookie = token_client.get_cookie(COOKIE)
    assert cookie is not None
    token_client.set_cookie(COOKIE, cookie.value[:-8] + "AAAAAAAA")
    assert token_client.get("/").status_code == 303


def test_a_bearer_is_known_and_a_wrong_one_is_told_what_to_send(token_client: FlaskClient) -> None:
    add_an_action(token_client)
    assert token_client.get("/", headers=bearer("victor")).status_code == 200
    for header in ("Bearer wrong", "Bearer", "bearer ", "Basic YTpi"):
        answer = token_client.post("/unlisted", headers={"Authorization": header})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_after_ten_failures_an_address_waits(token_client: FlaskClient) -> None:
    for _ in range(10):
        assert sign_in(token_client, "alice", "wrong").status_code == 401
    refused = sign_in(token_client, "alice")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    other = {"REMOTE_ADDR": "198.51.100.1"}
    assert sign_in(token_client, "alice", environ_overrides=other).status_code == 303


def test_after_thirty_failures_a_name_waits_wherever_they_came_from(token_client: FlaskClient) -> None:
    codes = [
        sign_in(token_client, "alice", "wrong", environ_overrides={"REMOTE_ADDR": f"198.51.100.{number}"}).status_code
        for number in range(31)
    ]
    assert codes == [401] * 30 + [429]
    elsewhere = {"REMOTE_ADDR": "203.0.113.1"}
    assert sign_in(token_client, "alice", environ_overrides=elsewhere).status_code == 429
    assert sign_in(token_client, "victor", environ_overrides=elsewhere).status_code == 303


def test_what_a_client_says_about_its_address_counts_only_through_a_trusted_proxy(open_client: Open) -> None:
    for proxy, last in (({}, 429), ({"trusted_addresses": ["127.0.0.1"]}, 401)):
        client = open_client(**token_settings(), proxy=proxy)
        codes = [
            client.post(
                "/login", data={"name": str(number), "token": "wrong"},
                headers={**SAME_ORIGIN, "X-Forwarded-For": f"198.51.100.{number}"},
            ).status_code
            for number in range(11)
        ]  # fmt: skip
        assert codes == [401] * 10 + [last]


def test_wrong_bearers_are_limited_as_well(token_client: FlaskClient) -> None:
    codes = {token_client.get("/", headers={"Authorization": "Bearer wrong"}).status_code for _ in range(100)}
    assert codes == {303}
    refused = token_client.get("/", headers=bearer("alice"))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "evil",
        "javascript:alert(1)", "///evil.example", "", "/" + "x" * 3000, "/\r\nX: y", "http:/evil",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(token_client: FlaskClient, target: str) -> None:
    assert sign_in(token_client, "alice", next_url=target).headers["Location"] == "/"


def test_a_link_from_another_site_asks_again_so_that_the_session_comes_along(token_client: FlaskClient) -> None:
    followed = token_client.get("/?q=1", headers={"Sec-Fetch-Site": "cross-site"})
    assert (followed.status_code, followed.headers["Refresh"]) == (200, "0; url=/?q=1")
    again = token_client.get("/?q=1", headers=SAME_ORIGIN)
    assert again.status_code == 303


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_tokens_there_is_no_form(open_client: Open, method: str) -> None:
    assert open_client().open("/login", method=method).status_code == 404
