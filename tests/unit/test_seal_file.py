"""The file of this host's own seals: what was kept is read, and what is no seal is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.archive import seal_file
from provider.archive.seal_file import SealFile
from provider.domain.errors import FileError
from provider.domain.log import ChainPoint
from provider.domain.seals import Seal, SealKey, find_breach, make_seal, parse_seals

KEY = SealKey.from_text("a key of more than sixteen characters")
LEDGER = "00000000-0000-4000-8000-000000000009"


def sealed(position: int) -> Seal:
    return make_seal(LEDGER, ChainPoint(position, f"{position:064x}"), KEY)


def test_what_was_kept_is_there_in_its_order(tmp_path: Path) -> None:
    file = SealFile(tmp_path / "seals" / "ledger.txt")
    assert (file.list(), file.last()) == ((), None)
    for position in (3, 40, 500):
        file.keep(sealed(position))
        assert file.last() == sealed(position)
    assert file.list() == (sealed(3), sealed(40), sealed(500))
    assert tuple(parse_seals((tmp_path / "seals" / "ledger.txt").read_text())) == file.list()
    assert (tmp_path / "seals").stat().st_mode & 0o777 == 0o700
    file.start_anew()
    assert (file.list(), file.last()) == ((), None)
    assert [one.name for one in (tmp_path / "seals").iterdir()] == ["ledger.until-500"]
    file.start_anew()


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal_file, "MOST_KEPT", 2)
    file = SealFile(tmp_path / "ledger.txt")
    for position in (1, 2, 3):
        file.keep(sealed(position))
    assert file.list() == (sealed(2), sealed(3))


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"\xff\xfe\n"])
def test_a_damaged_file_is_never_taken_for_one_without_seals(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.txt"
    path.write_bytes(content)
    for read in (SealFile(path).list, SealFile(path).last, SealFile(path).start_anew):
        with pytest.raises(FileError, match="it was damaged"):
            read()


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        SealFile(tmp_path).last()


def test_a_log_goes_on_from_a_seal_or_says_why_not() -> None:
    seal = sealed(40)
    assert find_breach(seal, LEDGER, 0, seal.hash) is None
    assert find_breach(seal, LEDGER, 40, seal.hash) is None
    assert find_breach(seal, LEDGER, 41, None) is None
    assert "the log ends before it" in str(find_breach(seal, LEDGER, 0, None))
    assert "another event there" in str(find_breach(seal, LEDGER, 40, "f" * 64))
    assert "this is ledger another" in str(find_breach(seal, "another", 0, seal.hash))
