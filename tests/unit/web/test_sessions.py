from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from provider.config.settings import TokenSettings
from provider.domain.errors import ConfigError
from web.security.revocations import Revocations, open_revocations
from web.security.sessions import Sessions

KEY = b"k" * 32
ALICE = TokenSettings(name="alice", sha256="a" * 64, role="operator")
BOB = TokenSettings(name="bob", sha256="b" * 64)


Make = Callable[..., Sessions]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Open the sessions as another process of the same user does; keywords change its configuration."""

    def make_one(key: bytes = KEY, tokens: tuple[TokenSettings, ...] = (ALICE, BOB)) -> Sessions:
        return Sessions(key, 3600, tokens, Revocations(tmp_path, 3600))

    return make_one


def test_a_session_is_known_in_every_process_with_the_key(make: Make) -> None:
    assert make().find(make().issue(ALICE)) == ALICE
    assert make(b"o" * 32).find(make().issue(ALICE)) is None


def test_every_altered_cookie_is_refused(make: Make) -> None:
    sessions = make()
    cookie = sessions.issue(BOB)
    # The last digit of the signature carries bits that say nothing; every other one counts.
    for index in range(len(cookie) - 1):
        other = "A" if cookie[index] != "A" else "B"
        assert sessions.find(cookie[:index] + other + cookie[index + 1 :]) is None
    assert sessions.find("") is None
    assert sessions.find(cookie + cookie) is None


def test_another_name_under_the_same_signature_is_refused(make: Make) -> None:
    cookie = make().issue(BOB)
    content, rest = cookie.split(".", 1)
    forged = base64.urlsafe_b64encode(b'["alice","x"]').decode().rstrip("=")
    assert make().find(f"{forged}.{rest}") is None
    assert make().find(f"{content}.{rest}") == BOB


def test_a_removed_or_replaced_token_ends_its_sessions(make: Make) -> None:
    cookie = make().issue(ALICE)
    assert make(tokens=(BOB,)).find(cookie) is None
    assert make(tokens=(TokenSettings(name="alice", sha256="c" * 64),)).find(cookie) is None


def test_a_role_that_was_taken_away_is_gone_at_once(make: Make) -> None:
    viewer = TokenSettings(name="alice", sha256="A" * 64, role="viewer")
    assert make(tokens=(viewer,)).find(make().issue(ALICE)) == viewer


def test_a_session_ends_with_its_lifetime(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, now = make().issue(ALICE), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3599)
    assert make().find(cookie) == ALICE
    monkeypatch.setattr(time, "time", lambda: now + 3602)
    assert make().find(cookie) is None


def test_a_session_that_was_ended_is_over_in_every_process_and_others_go_on(make: Make) -> None:
    ended, other = make().issue(ALICE), make().issue(ALICE)
    assert ended != other
    make().end(ended)
    make().end(ended)
    assert make().find(ended) is None
    assert make().find(other) == ALICE


def test_what_is_no_session_ends_nothing(make: Make, tmp_path: Path) -> None:
    for cookie in ("", "../../etc/passwd", make(b"o" * 32).issue(ALICE)):
        make().end(cookie)
    assert list(tmp_path.iterdir()) == []


def test_a_cookie_of_a_version_without_sign_out_is_none(make: Make) -> None:
    serializer = URLSafeTimedSerializer(
        KEY, salt="sandbox-ledger session", signer_kwargs={"digest_method": hashlib.sha256}
    )
    mark = hmac.new(KEY, ALICE.sha256.encode(), hashlib.sha256).hexdigest()[:32]
    assert make().find(serializer.dumps(["alice", mark, "0" * 32])) == ALICE
    assert make().find(serializer.dumps(["alice", mark])) is None


def test_what_is_kept_is_forgotten_with_the_last_cookie_it_could_end(make: Make, tmp_path: Path) -> None:
    make().end(make().issue(ALICE))
    (old,) = tmp_path.iterdir()
    assert old.stat().st_mode & 0o777 == 0o600
    make().end(make().issue(BOB))
    assert len(list(tmp_path.iterdir())) == 2
    os.utime(old, (0, time.time() - 3601))
    make().end(make().issue(BOB))
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_where_nothing_can_be_kept_nobody_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    open_revocations(3600)
    assert (tmp_path / "sandbox-ledger" / "web-signed-out").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="sign-outs are kept there"):
        open_revocations(3600)
