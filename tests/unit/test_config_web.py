"""The section `web`: what would let in everybody, or nobody, is refused before anything listens."""

from __future__ import annotations

from typing import Any

import pytest

from provider.config.loading import load_settings
from provider.config.settings import TokenSettings
from provider.domain.errors import ConfigError

DIGEST = "0f" * 32
TOKEN = {"name": "alice", "sha256": DIGEST, "role": "operator"}


def error_of(**web: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings({"web": web}, environ={})
    return str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_without_authentication_this_machine_may_be_listened_on(host: str) -> None:
    assert load_settings({"web": {"host": host}}, environ={}).web.auth == "none"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "ledger.example", "localhost.example", ""])
def test_without_authentication_nothing_else_may(host: str) -> None:
    message = error_of(host=host)
    if host:
        assert "web.auth: is none" in message
        assert "set web.auth to token or proxy, or web.host to 127.0.0.1" in message


def test_with_authentication_every_address_may() -> None:
    web = {"host": "0.0.0.0", "auth": "token", "tokens": [TOKEN]}
    assert load_settings({"web": web}, environ={}).web.tokens == (
        TokenSettings(name="alice", sha256=DIGEST, role="operator"),
    )


@pytest.mark.parametrize(
    ("web", "expected"),
    [
        ({"auth": "token"}, "web.tokens: is empty, but web.auth is token"),
        ({"auth": "proxy"}, "web.proxy.trusted_addresses: is empty, but web.auth is proxy"),
        ({"tokens": [TOKEN, TOKEN]}, "web.tokens[1].name: is used twice"),
        ({"tokens": [{**TOKEN, "name": "a b"}]}, "web.tokens[0].name: must be"),
        ({"tokens": [{"name": "a"}]}, "web.tokens[0].sha256: is missing"),
        ({"tokens": [{**TOKEN, "role": "admin"}]}, "web.tokens[0].role: is text, must be one of viewer, operator"),
        ({"tokens": [{**TOKEN, "token": "x"}]}, "web.tokens[0].token: unknown key"),
        ({"proxy": {"trusted_addresses": ["10.0.0.0/33"]}}, "web.proxy.trusted_addresses[0]: is text"),
        ({"proxy": {"user_header": "X User"}}, "web.proxy.user_header: is text"),
        ({"proxy": {"roles": {"sre": "root"}}}, "web.proxy.roles.sre: is text"),
        ({"allowed_hosts": ["http://x"]}, "web.allowed_hosts[0]: is text"),
        ({"public_url": "ledger.example"}, "web.public_url: is text"),
        ({"public_url": "https://ledger.example/?q"}, "web.public_url: is text"),
        ({"public_url": "https://[bad"}, "web.public_url: is text"),
        ({"session_key": "short"}, "web.session_key: must have at least 32"),
        ({"threads": 1}, "web.threads: is a number (1), must be between 4"),
    ],
)
def test_what_cannot_work_is_named(web: dict[str, Any], expected: str) -> None:
    assert expected in error_of(**web)


def test_a_token_in_place_of_its_hash_is_in_no_message_and_in_no_repr() -> None:
    message = error_of(tokens=[{"name": "alice", "sha256": "a-token-in-the-wrong-place"}])
    assert "web.tokens[0].sha256: must be the 64 hexadecimal digits" in message
    assert "wrong-place" not in message
    settings = load_settings({"web": {"tokens": [TOKEN], "session_key": "k" * 40}}, environ={})
    assert DIGEST not in repr(settings)
    assert "kkkk" not in repr(settings)
