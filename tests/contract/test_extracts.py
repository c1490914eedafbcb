"""An incident in a file: what is chosen becomes a ledger by itself, and says what of it is original."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from provider.archive.importing import ImportReport, import_log
from provider.archive.incident import write_extract
from provider.archive.opening import open_bundles
from provider.bootstrap.insights import make_insights
from provider.domain import events as ev
from provider.domain.errors import BundleError, FileError, SandboxError
from provider.domain.extracts import Selection, streams_of
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.store.archives.archives import SqlArchives
from provider.store.archives.restore import SqlRestore
from provider.store.log.event_store import SqlEventStore
from tests.contract.archive_support import KEY, archive, assert_healthy, write_rest
from tests.contract.store_support import OTHER, SANDBOX, append, execute, opened

STREAM = sandbox_stream(SANDBOX)


@contextmanager
def target(database: Path) -> Iterator[SqlRestore]:
    with opened(f"sqlite:///{database}") as store:
        yield SqlRestore(store.database, for_reading=True)


def extract(store: SqlEventStore, selection: Selection, path: Path) -> Path:
    write_extract(SqlArchives(store.database, page=3), selection, path, KEY)
    return path


def show(path: Path, directory: Path) -> ImportReport:
    return open_bundles(target, [path], directory, KEY)


def told(store: SqlEventStore, sandbox_id: str) -> tuple[SandboxRecord, Sequence[Generation]]:
    insights = make_insights(store)
    return insights.get(sandbox_id), insights.list_generations(sandbox_id)


def without_position(events: Sequence[RecordedEvent]) -> list[tuple[object, ...]]:
    return [(one.version, one.event, one.recorded_at, one.actor, one.correlation_id) for one in events]


def test_a_sandbox_is_told_whole_without_the_others(storied: SqlEventStore, tmp_path: Path) -> None:
    history = list(storied.read_stream(STREAM))
    streams = streams_of(SANDBOX, history)
    assert streams == {STREAM, "worker:w1"}
    selection = Selection(after=0, through=storied.head_position(), streams=streams)
    report = show(extract(storied, selection, tmp_path / "incident"), tmp_path / "shown")
    assert report == ImportReport(ledger_id=storied.ledger_id, events=len(history) + 1, unproven=())
    with opened(f"sqlite:///{tmp_path / 'shown' / 'ledger.db'}") as shown:
        assert without_position(list(shown.read_stream(STREAM))) == without_position(history)
        record, generations = told(shown, SANDBOX)
        then, originals = told(storied, SANDBOX)
        assert record == then
        assert [(one.exit_code, one.end_reason) for one in generations] == [
            (one.exit_code, one.end_reason) for one in originals
        ]
        assert make_insights(shown).find(OTHER) is None
        last = list(shown.read_all())[-1].event
        assert isinstance(last, ev.ExtractOpened)
        assert not last.is_whole
        assert_healthy(shown)
    assert (tmp_path / "shown" / "incident").read_bytes() == (tmp_path / "incident").read_bytes()
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "incident").read_bytes()).splitlines()]
    originals_by_hash = {one.hash: one.position for one in storied.read_all()}
    assert all(originals_by_hash[line["hash"]] == line["position"] for line in lines[1:-1])


@pytest.mark.parametrize("archived", [0, 4])
def test_a_span_of_time_keeps_positions_and_hashes(storied: SqlEventStore, tmp_path: Path, archived: int) -> None:
    log = list(storied.read_all())
    if archived:
        archive(storied, archived, tmp_path)
    path = extract(storied, Selection(after=8, through=15), tmp_path / "incident")
    show(path, tmp_path / "shown")
    with opened(f"sqlite:///{tmp_path / 'shown' / 'ledger.db'}") as shown:
        events = list(shown.read_all())
        assert events[:-1] == log[8:15]
        last = events[-1].event
        assert isinstance(last, ev.ExtractOpened)
        assert (last.is_whole, last.through_position, last.last_hash) == (True, 8, log[14].hash)
        assert_healthy(shown)
        assert told(shown, SANDBOX)[1][0] == told(storied, SANDBOX)[1][0], "what was before is told by the baseline"
        insights = make_insights(shown)
        (row,) = insights.list_archives()
        assert row.bundle == f"ledger {storied.ledger_id}"


def test_nothing_can_be_recorded_in_what_was_opened(storied: SqlEventStore, tmp_path: Path) -> None:
    show(extract(storied, Selection(after=0, through=9), tmp_path / "incident"), tmp_path / "shown")
    with opened(f"sqlite:///{tmp_path / 'shown' / 'ledger.db'}") as shown:
        with pytest.raises(SandboxError, match="is a copy for reading"):
            append(shown, ev.SandboxDestroyFailed(generation=1, error="no"))
        with pytest.raises(DBAPIError, match="append-only"):
            execute(shown, "DELETE FROM events WHERE position = 1")


def test_a_whole_log_is_opened_too_and_an_extract_is_not_imported(storied: SqlEventStore, tmp_path: Path) -> None:
    whole = write_rest(storied, tmp_path / "whole", KEY)
    assert show(whole, tmp_path / "shown").events == storied.head_position()
    with opened(f"sqlite:///{tmp_path / 'shown' / 'ledger.db'}") as shown:
        assert list(shown.read_all()) == list(storied.read_all())
    part = extract(storied, Selection(after=2, through=9), tmp_path / "part")
    with opened(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        with pytest.raises(BundleError, match="it is an extract, not a whole log: `sandbox-ledger open` shows it"):
            import_log(SqlRestore(copy.database), [part], KEY)
        with pytest.raises(BundleError, match="is opened by itself"):
            open_bundles(target, [part, whole], tmp_path / "both", KEY)


def test_what_cannot_be_opened_leaves_no_directory(storied: SqlEventStore, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    path = extract(storied, Selection(after=3, through=12), tmp_path / "incident")
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    header = json.loads(lines[0])
    forged = {**json.loads(lines[2]), "actor": "operator:eve"}
    spoiled = {**header, "extract": {**header["extract"], "baseline": header["extract"]["baseline"][:-64]}}
    unsigned = {**json.loads(lines[-1]), "hmac": "0" * 64}
    cases = {
        "event 5: its hash does not match": [*lines[:2], json.dumps(forged).encode() + b"\n", *lines[3:]],
        "it ends before its manifest": lines[:-1],
        "event 6: it follows event 4: events are missing": [*lines[:2], *lines[3:]],
        "its baseline cannot be read": [json.dumps(spoiled).encode() + b"\n", *lines[1:]],
        "its HMAC is not the one": [*lines[:-1], json.dumps(unsigned).encode() + b"\n"],
    }
    for words, damaged in cases.items():
        path.write_bytes(gzip.compress(b"".join(damaged)))
        with pytest.raises(BundleError) as refused:
            show(path, place / "shown")
        assert words in str(refused.value)
        assert str(path) in str(refused.value)
        assert list(place.iterdir()) == []
    (place / "somebody's").touch()
    with pytest.raises(FileError, match="is there already"):
        show(path, place)
    assert [left.name for left in place.iterdir()] == ["somebody's"]
    with pytest.raises(BundleError, match="no event is chosen"):
        extract(storied, Selection(after=4, through=4), tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
