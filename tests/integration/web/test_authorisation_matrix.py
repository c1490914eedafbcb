"""Who may ask for what: every URL that the application knows, times everybody who may ask, times every method.

What must come of it follows from the role that the route declares, and from nothing else. The views are replaced by one
that only says that it was reached: what is tested is the way to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import Rule

from provider.config.settings import WebRole
from tests.integration.web.conftest import Open
from tests.support.signing_in import SAME_ORIGIN, bearer, sign_in, token_settings
from web.routes import roles_by_endpoint
from web.security.sessions import COOKIE

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE = ("GET", "HEAD", "OPTIONS")
UNSAFE = tuple(set(METHODS) - set(SAFE))
FEW = ("GET", "POST")
"""Enough where every method goes the same way."""
REACHED = 299
OPEN_TO_ALL = {"static", "login", "sign_in", "logout", "livez", "readyz", "theme"}
PROBES = {"livez", "readyz"}
"""They answer under any name."""
FOREIGN: Mapping[str, Mapping[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a sibling": {"Sec-Fetch-Site": "same-site"},
    "another origin": {"Origin": "https://evil.example"},
    "no origin": {"Origin": "null"},
    "nothing said": {},
}
PROXY = {
    "auth": "proxy",
    "proxy": {"trusted_addresses": ["10.0.0.1"], "roles": {"alice": "operator", "victor": "viewer"}},
}


@dataclass(frozen=True)
class Caller:
    """Somebody who asks, and the role that they have."""

    role: WebRole | None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookie: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    refusal: int | None = None
    """What is answered to one whom signing in would not help."""


def rules_of(app: Flask) -> Iterator[Rule]:
    yield from app.url_map.iter_rules()


def own_name(rule: Rule) -> str:
    return str(rule.endpoint).rpartition(".")[2]


def path_of(rule: Rule) -> str:
    values = {"sandbox_id": "0" * 16, "action": "destroy", "filename": "app.css"}
    path = str(rule.rule).replace("<path:", "<").replace("<", "{").replace(">", "}")
    return path.format(**values)


def find_rule(app: Flask, path: str, method: str) -> Rule | None:
    """Where an address leads with a method; None when there is no such method."""
    try:
        return app.url_map.bind("localhost").match(path, method, return_rule=True)[0]
    except MethodNotAllowed:
        return None


def expected(rule: Rule | None, method: str, caller: Caller, *, is_foreign: bool, is_named: bool) -> set[int]:
    """What must come of a request, derived from the role that its route declares."""
    name = own_name(rule) if rule is not None else None
    role = roles_by_endpoint()[name] if name is not None else None
    refusals = (
        (not is_named and name not in PROBES, {400}),
        (role is not None and caller.refusal is not None, {caller.refusal or 0}),
        (is_foreign and method not in SAFE, {403}),
        (rule is None, {405}),
        (role is not None and caller.role is None, _asked_to_sign_in(name or "", method)),
        (role not in (None, caller.role, "viewer"), {403}),
    )
    reached = {200} if method == "OPTIONS" else {REACHED}
    return next((must for applies, must in refusals if applies), reached)


def _asked_to_sign_in(name: str, method: str) -> set[int]:
    is_page = method in ("GET", "HEAD") and not name.startswith(("api_", "metrics"))
    return {303, 200} if is_page else {401}  # 200: the browser is told to ask again by itself


def ask(client: FlaskClient, caller: Caller, path: str, method: str, headers: Mapping[str, str]) -> int:
    if caller.cookie is None:
        client.delete_cookie(COOKIE)
    else:
        client.set_cookie(COOKIE, caller.cookie)
    with client.open(
        path, method=method, headers={**caller.headers, **headers}, environ_overrides=dict(caller.environ)
    ) as answer:
        return answer.status_code


def prepare(open_client: Open, **web: Any) -> tuple[FlaskClient, dict[str, str]]:
    """Open a dashboard, sign everybody in, and replace its views."""
    client = open_client(**web)
    cookies = {}
    for name in ("alice", "victor") if web.get("auth") == "token" else ():
        sign_in(client, name)
        found = client.get_cookie(COOKIE)
        assert found is not None
        cookies[name] = found.value
    views = client.application.view_functions
    for endpoint in views:
        views[endpoint] = lambda **_: ("reached", REACHED)
    return client, cookies


def walk(
    client: FlaskClient,
    caller: Caller,
    headers: Mapping[str, str],
    *,
    methods: Sequence[str] = METHODS,
    foreign: bool = False,
    named: bool = True,
) -> list[str]:
    """Ask for everything with every method; return what came out differently."""
    app, wrong = client.application, []
    for path in sorted({path_of(rule) for rule in rules_of(app)}):
        for method in methods:
            rule = find_rule(app, path, method)
            must = expected(rule, method, caller, is_foreign=foreign, is_named=named)
            status = ask(client, caller, path, method, headers)
            if status not in must:
                wrong.append(f"{method} {path}: {status} instead of {must}")
    return wrong


def test_every_url_that_the_application_knows_declares_who_may_ask_for_it(open_client: Open) -> None:
    declared = roles_by_endpoint()
    for rule in rules_of(open_client().application):
        assert own_name(rule) in declared, f"{rule} declares no role; add its Route to web.routes"
        role = declared[own_name(rule)]
        assert (role is None) == (own_name(rule) in OPEN_TO_ALL), rule
        assert role != "viewer" or set(rule.methods or ()) <= set(SAFE), f"{rule} changes something for a viewer"


def test_with_tokens(open_client: Open) -> None:
    client, cookies = prepare(open_client, **token_settings())
    callers = {
        "anonymous": Caller(None),
        "a wrong cookie": Caller(None, cookie=cookies["alice"][:-6] + "AAAAAA"),
        "viewer, signed in": Caller("viewer", cookie=cookies["victor"]),
        "operator, signed in": Caller("operator", cookie=cookies["alice"]),
        "viewer with a token": Caller("viewer", bearer("victor")),
        "operator with a token": Caller("operator", bearer("alice")),
        "who names themselves": Caller(None, {"X-Forwarded-User": "alice"}),
    }
    for name, caller in callers.items():
        assert walk(client, caller, SAME_ORIGIN) == [], name


@pytest.mark.parametrize("site", FOREIGN)
def test_another_site_makes_no_signed_in_browser_act(open_client: Open, site: str) -> None:
    client, cookies = prepare(open_client, **token_settings())
    caller = Caller("operator", cookie=cookies["alice"])
    assert walk(client, caller, FOREIGN[site], methods=UNSAFE, foreign=True) == []


def test_from_another_site_pages_can_be_read_and_a_program_is_no_browser(open_client: Open) -> None:
    client, cookies = prepare(open_client, **token_settings())
    site = FOREIGN["another site"]
    assert walk(client, Caller("viewer", cookie=cookies["victor"]), site, methods=SAFE) == []
    assert walk(client, Caller(None), site, foreign=True) == []
    # A browser adds no bearer on its own: whoever shows one means it.
    assert walk(client, Caller("operator", bearer("alice")), site, methods=FEW) == []


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example"])
def test_under_a_foreign_name_nothing_but_the_probes_answers(open_client: Open, host: str) -> None:
    client, cookies = prepare(open_client, **token_settings())
    for caller in (Caller("operator", cookie=cookies["alice"]), Caller("operator", bearer("alice"))):
        assert walk(client, caller, {**SAME_ORIGIN, "Host": host}, methods=FEW, named=False) == []


def test_behind_a_proxy(open_client: Open) -> None:
    client, _ = prepare(open_client, **PROXY)
    through = {"REMOTE_ADDR": "10.0.0.1"}
    callers = {
        "viewer": Caller("viewer", {"X-Forwarded-User": "victor"}, environ=through),
        "operator": Caller("operator", {"X-Forwarded-User": "alice"}, environ=through),
        "unknown": Caller(None, {"X-Forwarded-User": "mallory"}, environ=through, refusal=403),
        "unnamed": Caller(None, environ=through, refusal=403),
        "two names": Caller(None, {"X-Forwarded-User": "mallory,alice"}, environ=through, refusal=403),
        "round the proxy": Caller(None, {"X-Forwarded-User": "alice"}, refusal=403),
    }
    for name, caller in callers.items():
        assert walk(client, caller, SAME_ORIGIN, methods=METHODS if caller.role else FEW) == [], name


def test_without_authentication(open_client: Open) -> None:
    client, _ = prepare(open_client)
    assert walk(client, Caller("operator"), SAME_ORIGIN) == []
    assert walk(client, Caller("operator"), FOREIGN["another site"], methods=UNSAFE, foreign=True) == []
    elsewhere = Caller(None, environ={"REMOTE_ADDR": "10.0.0.9"}, refusal=403)
    assert walk(client, elsewhere, SAME_ORIGIN, methods=FEW) == []
