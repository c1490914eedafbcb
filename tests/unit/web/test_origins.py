from __future__ import annotations

from typing import get_args

import pytest

from web.security.origins import is_foreign
from web.security.principal import How, Principal

HOST = "ledger.example:8642"
PRINCIPALS: tuple[Principal | None, ...] = (None, *(Principal("x", "operator", how) for how in get_args(How)))
BROWSERS = [one for one in PRINCIPALS if one is None or one.how != "bearer"]


def ask(headers: dict[str, str], who: Principal | None, method: str = "POST", public: str | None = None) -> bool:
    return is_foreign(method, headers, HOST, who, public)


WORDS: list[tuple[dict[str, str], bool]] = [
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "none"}, False),
    ({"Sec-Fetch-Site": "same-site"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, True),
    ({"Sec-Fetch-Site": "something new"}, True),
    ({"Sec-Fetch-Site": "cross-site", "Origin": f"http://{HOST}"}, True),
    ({"Origin": f"http://{HOST}"}, False),
    ({"Origin": f"https://{HOST.upper()}"}, False),
    ({"Origin": "http://ledger.example"}, True),
    ({"Origin": "http://ledger.example:8643"}, True),
    ({"Origin": "null"}, True),
    ({"Origin": ""}, True),
    ({"Origin": f"http://{HOST}.evil.example"}, True),
    ({"Origin": f"http://user@{HOST}"}, True),
    ({"Origin": "http://[bad"}, True),
]


@pytest.mark.parametrize(("headers", "foreign"), WORDS)
def test_a_browsers_word_decides(headers: dict[str, str], foreign: bool) -> None:
    """Whoever asks, and with whichever method; a table inside, because each of the three is looked at alone."""
    found = {
        (method, who.how if who else None): ask(headers, who, method)
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "ANYTHING")
        for who in BROWSERS
    }
    assert found == dict.fromkeys(found, foreign)


@pytest.mark.parametrize("who", PRINCIPALS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_come_from_anywhere(method: str, who: Principal | None) -> None:
    assert not ask({"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}, who, method)


def test_a_bearer_proves_more_than_a_browser_adds_by_itself() -> None:
    assert not ask({"Sec-Fetch-Site": "cross-site"}, Principal("x", "operator", "bearer"))


@pytest.mark.parametrize(("how", "foreign"), [("local", False), ("session", True), ("proxy", True), ("host", True)])
def test_a_client_that_says_nothing_needs_a_proof_of_its_own(how: How, foreign: bool) -> None:
    assert ask({}, Principal("x", "operator", how)) is foreign


def test_behind_a_proxy_that_changes_the_host_the_public_url_is_the_origin() -> None:
    who = Principal("x", "operator", "proxy")
    public = "https://public.example/ledger"
    assert not ask({"Origin": "https://public.example"}, who, public=public)
    assert ask({"Origin": "http://public.example"}, who, public=public)
    assert ask({"Origin": "https://public.example"}, who)
