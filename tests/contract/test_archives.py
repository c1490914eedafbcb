"""The oldest part of the log leaves for a bundle, whenever the process dies on the way, and the rest stays whole."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from provider.archive.archiving import ArchiveReport
from provider.archive.bundle_file import check_bundle
from provider.archive.importing import import_log
from provider.core import faults
from provider.domain import events as ev
from provider.domain.errors import BundleError, CorruptLogError
from provider.domain.ids import sandbox_stream
from provider.domain.verification import Scope
from provider.domain.workers import decide_worker_started, decide_worker_stopped
from provider.runtime.worker.heartbeat import commit_worker
from provider.store.archives.archives import SqlArchives
from provider.store.archives.restore import SqlRestore
from provider.store.coordination.workers import SqlWorkerRegistry
from provider.store.log.event_store import SqlEventStore
from provider.store.log.feed import SqlFeed
from provider.store.projections.rebuild import find_differences, rebuild
from provider.store.verification import Verification
from tests.contract.archive_support import (
    KEY,
    archive,
    archive_and_be_killed,
    assert_healthy,
    positions,
    projections,
    violations,
    write_rest,
)
from tests.contract.store_support import AUTHOR, SANDBOX, append, execute, opened, tamper

STREAM = sandbox_stream(SANDBOX)


def test_everything_that_reads_the_log_goes_on_across_the_cut(storied: SqlEventStore, tmp_path: Path) -> None:
    before, told = list(storied.read_all()), projections(storied)
    report = archive(storied, 7, tmp_path)
    assert (report.pruned, report.base) == (7, (7, before[6].hash))
    (name,) = report.bundles
    assert check_bundle(tmp_path / name).events == 7

    assert positions(storied) == list(range(8, len(before) + 2))
    assert list(storied.read_all())[:-1] == before[7:]
    assert list(storied.read_all(3))[:-1] == before[7:], "a reader from before the cut starts behind it"
    assert list(storied.read_stream(STREAM)) == [one for one in before[7:] if one.stream == STREAM]
    assert list(storied.read_stream("worker:w1")) == []
    recorded = list(storied.read_all())[-1]
    assert isinstance(recorded.event, ev.LogArchived)
    assert (recorded.event.bundle, recorded.event.events, recorded.actor) == (name, 7, "operator:o")
    assert_healthy(storied)
    rebuild(storied.database)
    assert projections(storied)[1:3] == told[1:3]

    append(storied, ev.SandboxEvicted(generation=2, reason="request"))
    assert_healthy(storied)
    ledger = SqlArchives(storied.database)
    assert ledger.position_before(before[2].recorded_at) == 7
    assert ledger.position_before(storied.now()) == storied.head_position()


def test_archives_follow_each_other_to_the_head(storied: SqlEventStore, tmp_path: Path) -> None:
    report = archive(storied, 2, tmp_path, KEY)
    for through in (4, 5, 12, storied.head_position() + 3):
        report = archive(storied, through, tmp_path, KEY)
        assert len(report.bundles) == 1
        assert_healthy(storied)
        append(storied, ev.SandboxDestroyFailed(generation=2, error=str(through)))
    assert archive(storied, 5, tmp_path, KEY) == ArchiveReport(bundles=(), pruned=0, base=report.base)
    assert [row.through.position for row in SqlArchives(storied.database).list_rows()][:4] == [2, 4, 5, 12]
    assert_healthy(storied)


STEPS = (
    "archive.bundle.written", "append.LogArchived.before", "append.LogArchived.after", "archive.row.written",
    "archive.chunk.pruned",
)  # fmt: skip


def test_no_step_is_forgotten(storied: SqlEventStore, tmp_path: Path) -> None:
    passed = set[str]()
    faults.install(passed.add)
    try:
        archive(storied, 7, tmp_path)
    finally:
        faults.install(None)
    assert passed == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("later", [0, 3])
def test_a_run_that_was_killed_is_finished_by_the_next(
    storied: SqlEventStore, tmp_path: Path, step: str, later: int
) -> None:
    whole = list(storied.read_all())
    archive_and_be_killed(storied, 7, tmp_path, step)
    assert_healthy(storied)
    assert list(storied.read_all())[-1].position == storied.head_position()

    archive(storied, 7 + later, tmp_path)
    assert positions(storied)[0] == 8 + later
    assert_healthy(storied)
    assert archive(storied, 7 + later, tmp_path).pruned == 0
    bundles = [tmp_path / row.bundle for row in SqlArchives(storied.database).list_rows()]
    assert {path for path in tmp_path.iterdir() if path.suffix == ".gz"} >= set(bundles)
    rest = write_rest(storied, tmp_path / "rest")
    with opened(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        import_log(SqlRestore(copy.database), [rest, *bundles], None)
        assert list(copy.read_all())[: len(whole)] == whole


def test_an_altered_log_is_not_archived(storied: SqlEventStore, tmp_path: Path) -> None:
    tamper(storied, "UPDATE events SET actor = 'operator:eve' WHERE position = 4")
    with pytest.raises(CorruptLogError, match="event 4"):
        archive(storied, 7, tmp_path)
    assert list(tmp_path.glob("*.gz*")) == []
    assert positions(storied)[0] == 1


def test_a_bundle_that_was_exchanged_is_not_taken_for_the_recorded_one(storied: SqlEventStore, tmp_path: Path) -> None:
    archive_and_be_killed(storied, 7, tmp_path, "append.LogArchived.after")
    (path,) = tmp_path.glob("*.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())))
    with pytest.raises(BundleError, match="it is not the file that event"):
        archive(storied, 7, tmp_path)
    assert positions(storied)[0] == 1


FORGED = (
    "INSERT INTO archives "
    "(through_position, through_hash, through_recorded_at, events, bundle, sha256, archived_at, event_position, "
    "baseline) "
    "SELECT {through}, hash, recorded_at, 1, 'b', 's', recorded_at, {event}, {blob} FROM events WHERE position = 9"
)


def test_only_what_an_archive_has_may_be_deleted(storied: SqlEventStore, tmp_path: Path) -> None:
    blob = "x'00'" if storied.database.is_sqlite else "'\\x00'::bytea"
    archive(storied, 7, tmp_path)
    last = storied.head_position()
    before = list(storied.read_all())
    refused = [
        "DELETE FROM events WHERE position = 8",
        "DELETE FROM events",
        "UPDATE events SET actor = 'operator:eve' WHERE position = 9",
        "DELETE FROM archives",
        "UPDATE archives SET through_position = 15",
        FORGED.format(through=9, event=last, blob=blob),
        FORGED.format(through=9, event=8, blob=blob),
        FORGED.format(through=7, event=last, blob=blob),
    ]
    if storied.database.is_sqlite:
        refused += ["UPDATE OR REPLACE archives SET through_hash = 'x'", "INSERT OR REPLACE" + refused[-1][6:]]
    else:
        refused += [
            "TRUNCATE archives",
            "TRUNCATE events",
            "SET LOCAL session_replication_role = replica; " + refused[0],
        ]
    for statement in refused:
        with pytest.raises(DBAPIError, match="append-only"):
            execute(storied, statement)
    assert list(storied.read_all()) == before


def test_a_baseline_that_was_altered_is_found(storied: SqlEventStore, tmp_path: Path) -> None:
    archive(storied, 7, tmp_path)
    blob = "x'00'" if storied.database.is_sqlite else "'\\x00'::bytea"
    if not storied.database.is_sqlite:
        execute(storied, "ALTER TABLE archives DISABLE TRIGGER ALL")
    tamper(storied, f"UPDATE archives SET baseline = {blob}")
    with pytest.raises(CorruptLogError, match="event 7: the baseline of the archive"):
        find_differences(storied.database)


def test_a_part_left_out_behind_the_cut_is_still_found(storied: SqlEventStore, tmp_path: Path) -> None:
    archive(storied, 7, tmp_path)
    tamper(storied, "DELETE FROM events WHERE position = 12")
    with pytest.raises(CorruptLogError, match="event 13"):
        list(storied.read_all())
    with pytest.raises(CorruptLogError, match="event 13"):
        list(storied.read_stream(STREAM))
    assert any("missing" in one.detail for one in Verification(storied.database, None, Scope()).run().problems)
    assert {row.rule for row in violations(storied)} >= {"gap_in_positions"}


def test_an_event_put_before_the_cut_is_found(storied: SqlEventStore, tmp_path: Path) -> None:
    archive(storied, 7, tmp_path)
    for position in (3, 7):
        execute(
            storied,
            "INSERT INTO events (position, stream, version, type, schema_version, data, recorded_at, actor, "
            f"correlation_id, hash) SELECT {position}, 'x', {position}, type, schema_version, data, recorded_at, "
            "actor, correlation_id, hash FROM events WHERE position = 9",
        )
        problems = Verification(storied.database, None, Scope()).run().problems
        assert ("outside", 3) in [(one.rule, one.position) for one in problems]


def test_workers_whose_beginning_was_archived_still_leave_and_come_back(storied: SqlEventStore, tmp_path: Path) -> None:
    archive(storied, storied.head_position(), tmp_path)
    assert commit_worker(storied, "w2", lambda known: decide_worker_stopped(known, "w2"), AUTHOR) == ()
    assert commit_worker(storied, "w1", lambda known: decide_worker_started(known, "w1", "h", 1), AUTHOR) == ()
    SqlWorkerRegistry(storied.database).register("w3", "h", 3)
    assert len(commit_worker(storied, "w3", lambda known: decide_worker_started(known, "w3", "h", 3), AUTHOR)) == 1
    for worker_id in ("w1", "w3"):
        decide = functools.partial(decide_worker_stopped, worker_id=worker_id)
        assert commit_worker(storied, worker_id, decide, AUTHOR) == [ev.WorkerStopped(worker_id=worker_id)]
        assert commit_worker(storied, worker_id, decide, AUTHOR) == ()
    assert storied.version_of("worker:w1") == 2
    assert_healthy(storied)


def test_a_follower_that_slept_through_an_archive_forgets_what_it_knew(storied: SqlEventStore, tmp_path: Path) -> None:
    feed = SqlFeed(storied.database)
    archive(storied, 7, tmp_path)
    batch = next(iter(feed.follow(2)))
    feed.stop()
    assert batch[0].position == 8, "what a follower must notice: it asked for what comes behind 2"
