"""Bundles give the whole log back, on whichever database, and a damaged one gives nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provider.archive.importing import ImportReport, import_log
from provider.domain import events as ev
from provider.domain.errors import BundleError, LedgerNotEmpty
from provider.domain.log import GENESIS
from provider.store.archives.archives import SqlArchives
from provider.store.archives.restore import SqlRestore
from provider.store.log.event_store import SqlEventStore
from provider.store.tables import workers
from tests.contract.archive_support import (
    KEY,
    archive,
    assert_healthy,
    positions,
    projections,
    write_rest,
)
from tests.contract.store_support import append, opened


def other_url(request: pytest.FixtureRequest, store: SqlEventStore) -> str:
    other = "postgres_url" if store.database.is_sqlite else "sqlite_url"
    url: str = request.getfixturevalue(other)
    return url


@pytest.mark.postgres
def test_the_bundles_give_the_whole_ledger_back_on_the_other_database(
    request: pytest.FixtureRequest, storied: SqlEventStore, tmp_path: Path
) -> None:
    archive(storied, 6, tmp_path, KEY)
    archive(storied, 11, tmp_path, KEY)
    bundles = [tmp_path / row.bundle for row in SqlArchives(storied.database).list_rows()]
    bundles.append(write_rest(storied, tmp_path / "rest", KEY))
    with opened(other_url(request, storied), page=4) as copy:
        report = import_log(SqlRestore(copy.database), bundles[::-1], KEY)
        assert report == ImportReport(ledger_id=storied.ledger_id, events=storied.head_position(), unproven=())
        assert projections(copy) == projections(storied)
        assert copy.ledger_id == storied.ledger_id
        assert positions(copy) == list(range(1, storied.head_position() + 1))
        assert_healthy(copy)
        with copy.database.engine.connect() as connection:
            rows = connection.execute(select(workers).order_by(workers.c.worker_id)).all()
        assert [(row.worker_id, row.ended_as) for row in rows] == [("w1", None), ("w2", "stopped")]
        append(copy, ev.SandboxEvicted(generation=2, reason="request"))
        assert_healthy(copy)
        with pytest.raises(LedgerNotEmpty, match=r"has \d+ events already"):
            import_log(SqlRestore(copy.database), bundles, KEY)


def lines_of(path: Path) -> list[bytes]:
    with gzip.open(path) as packed:
        return packed.readlines()


def damaged(lines: list[bytes]) -> Iterator[tuple[str, list[bytes], str]]:
    """Damage a bundle in every way: what was done, the lines, and what is told."""

    def changed(number: int, **values: Any) -> list[bytes]:
        number %= len(lines)
        document = {**json.loads(lines[number]), **values}
        return [*lines[:number], json.dumps(document).encode() + b"\n", *lines[number + 1 :]]

    yield "cut off", lines[:4], "event 3: it ends before its manifest"
    yield "cut off in a line", [*lines[:3], lines[3][:-9]], "event 3: it is no line of a bundle"
    yield "empty", [], "it is no line of a bundle"
    yield "event left out", lines[:2] + lines[3:], "event 3: it follows event 1: events are missing"
    yield "events swapped", [lines[0], lines[2], lines[1], *lines[3:]], "event 2: it follows event 0"
    yield "actor changed", changed(2, actor="operator:eve"), "event 2: its hash does not match"
    yield "payload changed", changed(2, data={"generation": 9}), "event 2: its hash does not match"
    yield "not a number", changed(2, version="x"), "event 2: its content is none of ours"
    yield "field too many", changed(2, extra=1), "event 2: it is no line of a bundle: other fields"
    yield "other file", [b"hello\n"], "it is no line of a bundle"
    yield "other JSON", [b"{}\n", *lines[1:]], "it is no bundle of sandbox-ledger"
    yield "later format", changed(0, format_version=2), "its format version is 2"
    yield "other header", changed(0, made_at="2020-01-01T00:00:00Z"), "its manifest does not match"
    yield "other ledger", changed(-1, ledger_id="x"), "its manifest does not match"
    yield "manifest's count", changed(-1, events=3), "its manifest does not match"
    yield "something behind", [*lines, lines[1]], "something follows its manifest"
    yield "signature changed", changed(-1, hmac="0" * 64), "its HMAC is not the one"
    yield "signature taken off", changed(-1, hmac=None, key_id=None), "it has no HMAC"
    yield "other key", changed(-1, key_id="0" * 16), "its HMAC is of another key"


def test_a_damaged_bundle_is_refused_with_its_place_and_nothing_is_imported(
    storied: SqlEventStore, tmp_path: Path
) -> None:
    whole = write_rest(storied, tmp_path / "whole", KEY)
    bad = tmp_path / "bad"
    with opened(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        for name, lines, told in damaged(lines_of(whole)):
            bad.write_bytes(gzip.compress(b"".join(lines)))
            with pytest.raises(BundleError) as refused:
                import_log(SqlRestore(copy.database), [bad], KEY)
            assert told in str(refused.value), name
            assert str(bad) in str(refused.value), name
            assert positions(copy) == [], name
        for cut in (10, len(whole.read_bytes()) // 2, len(whole.read_bytes()) - 4):
            bad.write_bytes(whole.read_bytes()[:cut])
            with pytest.raises(BundleError, match="cut off"):
                import_log(SqlRestore(copy.database), [bad], KEY)
        assert positions(copy) == []
        import_log(SqlRestore(copy.database), [whole], None)
        assert list(copy.read_all()) == list(storied.read_all())


def test_bundles_that_do_not_follow_each_other_are_refused(storied: SqlEventStore, tmp_path: Path) -> None:
    archive(storied, 4, tmp_path)
    archive(storied, 9, tmp_path)
    first, second = (tmp_path / row.bundle for row in SqlArchives(storied.database).list_rows())
    rest = write_rest(storied, tmp_path / "rest")
    with opened(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        for paths in ([rest], [first, rest], [second], [first, first]):
            with pytest.raises(BundleError, match="it goes on behind event"):
                import_log(SqlRestore(copy.database), paths, None)
        assert positions(copy) == []
        import_log(SqlRestore(copy.database), [first], None)
        assert copy.head_position() == 4


def test_bundles_are_read_a_few_events_at_a_time(storied: SqlEventStore) -> None:
    linked = SqlArchives(storied.database, page=2).read(GENESIS, 5)
    assert next(linked).stored.position == 1
    assert [one.stored.position for one in linked] == [2, 3, 4, 5]
    assert not isinstance(linked, list)
