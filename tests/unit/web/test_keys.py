from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from provider.config.settings import WebSettings
from provider.domain.errors import ConfigError
from web.security.keys import find_key


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "sandbox-ledger"


def test_the_first_process_makes_a_key_that_only_its_user_can_read(state: Path) -> None:
    key = find_key(WebSettings())
    assert len(key) == 32
    (path,) = state.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find_key(WebSettings()) == key


def find_in_child(_: int) -> bytes:
    return find_key(WebSettings())


@pytest.mark.slow
def test_processes_that_start_at_once_share_one_key(state: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.map(find_in_child, range(8), chunksize=1)
    assert len(set(keys)) == 1
    assert len(list(state.iterdir())) == 1


def test_a_configured_key_needs_no_file(state: Path) -> None:
    assert find_key(WebSettings(session_key="k" * 40)) == b"k" * 40
    assert not state.exists()


def test_a_key_that_others_can_read_or_that_is_none_is_refused(state: Path) -> None:
    find_key(WebSettings())
    (path,) = state.iterdir()
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        find_key(WebSettings())
    path.chmod(0o600)
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="not a key"):
        find_key(WebSettings())


def test_a_place_that_cannot_hold_a_key_is_named(state: Path) -> None:
    state.parent.joinpath("sandbox-ledger").write_text("a file")
    with pytest.raises(ConfigError, match=r"set web\.session_key"):
        find_key(WebSettings())
