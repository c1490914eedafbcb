from __future__ import annotations

import base64
import time

import pytest

from provider.config.settings import TokenSettings
from web.security.sessions import Sessions

KEY = b"k" * 32
ALICE = TokenSettings(name="alice", sha256="a" * 64, role="operator")
BOB = TokenSettings(name="bob", sha256="b" * 64)


def make(key: bytes = KEY, tokens: tuple[TokenSettings, ...] = (ALICE, BOB)) -> Sessions:
    return Sessions(key, 3600, tokens)


def test_a_session_is_known_in_every_process_with_the_key() -> None:
    assert make().find(make().issue(ALICE)) == ALICE
    assert make(b"o" * 32).find(make().issue(ALICE)) is None


def test_every_altered_cookie_is_refused() -> None:
    sessions = make()
    cookie = sessions.issue(BOB)
    # The last digit of the signature carries bits that say nothing; every other one counts.
    for index in range(len(cookie) - 1):
        other = "A" if cookie[index] != "A" else "B"
        assert sessions.find(cookie[:index] + other + cookie[index + 1 :]) is None
    assert sessions.find("") is None
    assert sessions.find(cookie + cookie) is None


def test_another_name_under_the_same_signature_is_refused() -> None:
    cookie = make().issue(BOB)
    content, rest = cookie.split(".", 1)
    forged = base64.urlsafe_b64encode(b'["alice","x"]').decode().rstrip("=")
    assert make().find(f"{forged}.{rest}") is None
    assert make().find(f"{content}.{rest}") == BOB


def test_a_removed_or_replaced_token_ends_its_sessions() -> None:
    cookie = make().issue(ALICE)
    assert make(tokens=(BOB,)).find(cookie) is None
    assert make(tokens=(TokenSettings(name="alice", sha256="c" * 64),)).find(cookie) is None


def test_a_role_that_was_taken_away_is_gone_at_once() -> None:
    viewer = TokenSettings(name="alice", sha256="A" * 64, role="viewer")
    assert make(tokens=(viewer,)).find(make().issue(ALICE)) == viewer


def test_a_session_ends_with_its_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, now = make().issue(ALICE), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3599)
    assert make().find(cookie) == ALICE
    monkeypatch.setattr(time, "time", lambda: now + 3602)
    assert make().find(cookie) is None
