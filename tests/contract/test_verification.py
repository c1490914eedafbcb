"""Verification: all problems with their places, seals in the log and seals kept outside, nothing changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from provider.archive.sealing import Sealing
from provider.domain import events as ev
from provider.domain import verification
from provider.domain.errors import CorruptLogError
from provider.domain.log import ChainPoint
from provider.domain.seals import Seal, SealKey, make_seal
from provider.domain.verification import Scope, VerificationReport
from provider.store.log.event_store import SqlEventStore
from provider.store.log.seals import SqlSeals
from provider.store.verification import Verification
from tests.contract.store_support import AUTHOR, NothingKept, append, born, died, execute, link, opened, tamper
from tests.contract.test_store_corruption import EVERYWHERE, SQLITE

KEY = SealKey.from_text("a key that nobody knows: 0123456789")
OTHER_KEY = SealKey.from_text("a key that somebody else has: 0123456789")
TABLES = ("ledger_head", "streams", "events", "sandboxes", "generations")
Places = list[tuple[int | None, str]]


@pytest.fixture
def written(store: SqlEventStore) -> Iterator[SqlEventStore]:
    """Fill a ledger with twelve events, and find that a verification changed nothing in it."""
    append(store, *born())
    append(store, *died(store))
    append(store, *born(2))
    yield store
    before = contents(store)
    verify(store, tables=True)
    assert contents(store) == before


def contents(store: SqlEventStore) -> list[object]:
    with store.database.engine.connect() as connection:
        return [connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2").all() for name in TABLES]


def verify(
    store: SqlEventStore, *kept: Seal, key: SealKey | None = None, since: bool = False, tables: bool = False
) -> VerificationReport:
    return Verification(store.database, key, Scope(kept_seals=kept, since_last_seal=since, tables=tables)).run()


def places(report: VerificationReport) -> Places:
    """Return what the walk found; broken rules and a changed schema (the guards are gone) have their own tests."""
    return [(one.position, one.rule) for one in report.problems if one.rule not in {"violation", "schema"}]


def seal(store: SqlEventStore, key: SealKey | None = None) -> Seal:
    recorded = Sealing(store, SqlSeals(store.database), key, NothingKept()).seal(AUTHOR)
    assert recorded is not None
    return recorded.seal


def rewrite(store: SqlEventStore, first: int, *, head: bool = True) -> None:
    """Change an event and compute every hash behind it anew, as somebody with the database and this code could."""
    statements, previous = [], "0" * 64
    for recorded in store.read_all():
        changed = dataclasses.replace(recorded, actor="operator:eve") if recorded.position == first else recorded
        previous = link(previous, changed)
        columns = f"actor = '{changed.actor}', hash = '{previous}'"
        statements.append(f"UPDATE events SET {columns} WHERE position = {recorded.position}")
    tamper(store, *statements, *([f"UPDATE ledger_head SET hash = '{previous}'"] if head else []))


def cut_off(store: SqlEventStore, last: int, *, head: bool) -> None:
    """Cut off the log's end; with `head`, leave nothing in the other tables that tells of it."""
    kept = list(store.read_all())[last - 1]
    statements = [f"DELETE FROM events WHERE position > {last}"]
    if head:
        versions = "SELECT max(version) FROM events WHERE events.stream = streams.stream"
        statements += [
            f"UPDATE ledger_head SET position = {last}, hash = '{kept.hash}'",
            "DELETE FROM streams WHERE stream NOT IN (SELECT stream FROM events)",
            f"UPDATE streams SET version = ({versions})",
        ]
    tamper(store, *statements)


def test_a_broken_invariant_is_told(written: SqlEventStore) -> None:
    execute(written, "UPDATE sandboxes SET status = 'gone'")
    problems = verify(written).problems
    assert ("violation", None) in {(one.rule, one.position) for one in problems}
    assert any(one.detail.startswith("container_not_in_mapping: sandbox:") for one in problems)
    seal(written)
    assert verify(written, since=True).problems == ()


def test_a_healthy_ledger_is_whole(written: SqlEventStore) -> None:
    report = verify(written, tables=True)
    assert (report.problems, report.notes, report.problem_count) == ((), (), 0)
    assert (report.ledger_id, report.events, report.end.position) == (written.ledger_id, 12, 12)
    assert (report.start_kind, report.start) == ("beginning", ChainPoint(0, "0" * 64))


def test_an_empty_ledger_is_whole(store: SqlEventStore) -> None:
    assert places(verify(store, tables=True)) == []
    assert places(verify(store, since=True)) == []


def test_every_damage_is_found_at_its_place(store: SqlEventStore) -> None:
    append(store, *born())
    execute(store, "CREATE TABLE kept AS SELECT * FROM events")
    known = EVERYWHERE | SQLITE if store.database.is_sqlite else EVERYWHERE
    # Where the readers stop at the first event behind a gap, a verification names the first that is missing.
    missing = {"first deleted": 1, "middle deleted": 3, "last deleted": 4, "all deleted": 1}
    for name, (statements, position) in known.items():
        tamper(store, *statements)
        found = places(verify(store))
        expected = (missing[name], "missing") if name in missing else (position, "content")
        assert found[0] == expected, name
        tamper(store, "DELETE FROM events", "INSERT INTO events SELECT * FROM kept")
        assert places(verify(store)) == [], name


def test_all_problems_are_told_not_only_the_first(written: SqlEventStore) -> None:
    tamper(
        written,
        "UPDATE events SET actor = 'operator:eve' WHERE position IN (2, 9)",
        "DELETE FROM events WHERE position IN (5, 6)",
        "UPDATE events SET hash = 'x' WHERE position = 11",
    )
    assert places(verify(written)) == [
        (2, "content"), (5, "missing"), (7, "version"), (9, "content"), (11, "content"),
    ]  # fmt: skip


def test_an_event_before_the_first_and_one_behind_the_last_are_found(written: SqlEventStore) -> None:
    columns = "stream, 1, type, schema_version, data, recorded_at, actor, correlation_id, NULL, hash"
    for position, stream in ((0, "x"), (-4, "y"), (13, "z")):
        copied = columns.replace("stream", f"'{stream}'", 1)
        tamper(written, f"INSERT INTO events SELECT {position}, {copied} FROM events WHERE position = 12")
    found = places(verify(written))
    assert found[:2] == [(-4, "outside"), (0, "outside")]
    assert found[2:4] == [(13, "content"), (13, "head")]
    assert found[4:] == [(None, "stream")]


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("last", [1, 6, 11])
def test_a_cut_off_end_is_found_by_the_head_row_or_else_by_a_kept_seal(
    written: SqlEventStore, last: int, head: bool
) -> None:
    kept = make_seal(written.ledger_id, ChainPoint(12, list(written.read_all())[-1].hash), None)
    cut_off(written, last, head=head)
    if head:
        assert places(verify(written)) == []
    else:
        assert places(verify(written)) == [(last + 1, "missing"), (None, "stream")]
    assert (last + 1, "truncated") in places(verify(written, kept))


@pytest.mark.parametrize("first", [1, 7, 12])
def test_a_rewritten_chain_is_found_by_a_kept_seal_alone(written: SqlEventStore, first: int) -> None:
    hashes = [recorded.hash for recorded in written.read_all()]
    early, late = (make_seal(written.ledger_id, ChainPoint(n, hashes[n - 1]), None) for n in (6, 12))
    rewrite(written, first)
    assert places(verify(written)) == []
    report = verify(written, early, late)
    assert places(report) == ([(6, "rewritten")] if first <= 6 else []) + [(12, "rewritten")]
    behind = 6 if first > 6 else 0
    rewritten = [one.detail for one in report.problems if one.rule == "rewritten"]
    assert rewritten[-1].endswith(f"rewritten behind position {behind}")
    assert verify(written, late, since=True).start_kind == "beginning"


def test_a_head_row_that_says_something_else_is_found(written: SqlEventStore) -> None:
    rewrite(written, 7, head=False)
    assert places(verify(written)) == [(12, "head")]
    execute(written, "UPDATE ledger_head SET position = 9")
    assert places(verify(written)) == [(10, "head")]
    execute(written, "DELETE FROM ledger_head")
    assert places(verify(written)) == [(None, "head")]
    assert places(verify(written, tables=True)) == [(None, "head"), (None, "table")]


def test_a_stream_row_that_says_something_else_is_found(written: SqlEventStore) -> None:
    execute(written, "UPDATE streams SET version = 13")
    execute(written, "INSERT INTO streams VALUES ('sandbox:x', 1)")
    assert places(verify(written)) == [(None, "stream"), (None, "stream")]
    execute(written, "DELETE FROM streams")
    assert [one.detail for one in verify(written).problems if one.rule == "stream"] == [
        "streams does not have sandbox:0123456789abcdef, the log has its version 12"
    ]


def test_tables_that_do_not_equal_the_log_are_found_when_asked(written: SqlEventStore) -> None:
    execute(written, "UPDATE generations SET exit_code = 1 WHERE generation = 1")
    assert places(verify(written)) == []
    (problem,) = verify(written, tables=True).problems
    assert (problem.rule, problem.position) == ("table", None)
    assert "exit_code is 1, the log says 137" in problem.detail
    tamper(written, "UPDATE events SET actor = 'x' WHERE position = 3")
    assert places(verify(written, tables=True)) == [(3, "content"), (3, "table")]


def test_a_seal_in_the_log_is_checked_against_it(written: SqlEventStore) -> None:
    kept = seal(written)
    append(written, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    report = verify(written, kept)
    assert (places(report), report.recorded_seals, report.kept_seals) == ([], 1, 1)
    assert report.notes == ("1 seal in the log has no HMAC: who can write the log can write it too",)
    rewrite(written, 3)
    assert places(verify(written)) == [(12, "rewritten")]


def test_a_forged_seal_in_the_log_is_found_with_the_key(written: SqlEventStore) -> None:
    seal(written, KEY)
    assert places(verify(written, key=KEY)) == []
    forged = make_seal(written.ledger_id, ChainPoint(13, list(written.read_all())[-1].hash), OTHER_KEY)
    for number, made in enumerate(
        [dataclasses.replace(forged, key_id=KEY.key_id), dataclasses.replace(forged, key_id=None, hmac=None)], 1
    ):
        written.append("ledger", number, [ev.LedgerSealed(**dataclasses.asdict(made))], AUTHOR)
    assert places(verify(written, key=KEY)) == [(14, "seal")]
    assert places(verify(written)) == []
    assert [note[:30] for note in verify(written, key=KEY).notes] == ["1 seal in the log has no HMAC:"]
    assert [note[:30] for note in verify(written, key=OTHER_KEY).notes] == [
        "1 seal in the log has no HMAC:", "2 seals in the log are of anot",
    ]  # fmt: skip


def test_a_seal_in_the_log_that_cannot_be_true_is_found(written: SqlEventStore) -> None:
    good = make_seal(written.ledger_id, ChainPoint(12, list(written.read_all())[-1].hash), None)
    changes: list[dict[str, object]] = [{"ledger_id": "another"}, {"count": 11}, {"position": 99, "count": 99}]
    for number, change in enumerate(changes):
        event = ev.LedgerSealed(**(dataclasses.asdict(good) | change))
        written.append("ledger", number, [event], AUTHOR)
    assert places(verify(written)) == [(13, "seal"), (14, "seal"), (15, "seal")]


def test_a_kept_seal_of_another_ledger_or_of_another_hand_is_refused(written: SqlEventStore) -> None:
    kept = seal(written, KEY)
    assert places(verify(written, kept, key=KEY)) == []
    bare = dataclasses.replace(kept, key_id=None, hmac=None)
    doubtful = {
        "is of ledger": dataclasses.replace(kept, ledger_id="0" * 8),
        "is forged": dataclasses.replace(kept, hmac="0" * 64),
        "anybody can have written it": bare,
        "is of key": make_seal(written.ledger_id, kept.point, OTHER_KEY),
        "counts 3 events": make_seal(written.ledger_id, kept.point, None),
    }
    doubtful["counts 3 events"] = dataclasses.replace(bare, count=3)
    for words, doubt in doubtful.items():
        report = verify(written, doubt, key=KEY)
        assert {(12, "kept_seal")} == set(places(report)), words
        assert any(words in one.detail for one in report.problems)
    assert places(verify(written, bare)) == []


def test_a_kept_seal_with_an_hmac_is_compared_without_the_key_too(written: SqlEventStore) -> None:
    kept = seal(written, KEY)
    report = verify(written, kept)
    assert places(report) == []
    assert "audit.seal_key is not set" in " ".join(report.notes)
    rewrite(written, 2)
    assert (12, "rewritten") in places(verify(written, kept))


def test_only_what_is_behind_the_last_seal_is_walked_when_asked(written: SqlEventStore) -> None:
    seal(written)
    append(written, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    report = verify(written, since=True)
    assert (report.start_kind, report.start.position, report.events, places(report)) == ("seal", 12, 2, [])
    tamper(written, "UPDATE events SET actor = 'operator:eve' WHERE position = 3")
    assert places(verify(written, since=True)) == []
    assert places(verify(written)) == [(3, "content")]
    tamper(written, "UPDATE events SET actor = 'operator:eve' WHERE position = 14")
    assert places(verify(written, since=True)) == [(14, "content")]


def test_a_seal_that_does_not_match_is_no_place_to_start_from(written: SqlEventStore) -> None:
    first = seal(written, KEY)
    append(written, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    seal(written, KEY)
    assert verify(written, key=KEY, since=True).start.position == 14
    assert verify(written, key=OTHER_KEY, since=True).start_kind == "beginning"
    (right,) = [recorded.hash for recorded in written.read_all() if recorded.position == 14]
    tamper(written, "UPDATE events SET hash = 'x' WHERE position = 14")
    report = verify(written, key=KEY, since=True)
    assert (report.start, report.start_kind) == (first.point, "seal")
    assert {position for position, _ in places(report)} == {14}
    tamper(written, f"UPDATE events SET hash = '{right}' WHERE position = 14")
    rewrite(written, 1)
    report = verify(written, key=KEY, since=True)
    assert report.start_kind == "beginning"
    assert "no seal was found that matches" in report.notes[0]
    assert {position for position, _ in places(report)} == {12, 14}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FromTheFuture(ev.Event):
    """An event that only a newer version knows."""


def test_what_only_a_newer_version_can_read_is_noted_and_its_chain_is_checked(
    written: SqlEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setitem(ev.REGISTRY, "FromTheFuture", FromTheFuture)
        written.append("ledger", 0, [FromTheFuture(), FromTheFuture()], AUTHOR)
    report = verify(written, tables=True)
    assert places(report) == []
    assert report.notes[0].startswith("2 events of FromTheFuture, schema version 1 (the first is 13), are unknown here")
    assert "tables were not compared" in report.notes[1]
    tamper(written, "UPDATE events SET data = '{\"changed\": 1}' WHERE position = 14")
    assert places(verify(written)) == [(14, "content")]


def test_a_walk_tells_how_far_it_is(written: SqlEventStore) -> None:
    told: list[tuple[int, int]] = []
    Verification(written.database, None, Scope()).run(lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)


def test_a_log_is_sealed_again_only_when_something_came_and_the_last_seal_is_old(written: SqlEventStore) -> None:
    sealing = Sealing(written, SqlSeals(written.database), KEY, NothingKept())
    sealing.seal_if_older(3600, AUTHOR)
    assert written.head_position() == 13
    sealing.seal_if_older(0, AUTHOR)
    assert written.head_position() == 13
    append(written, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    sealing.seal_if_older(3600, AUTHOR)
    assert written.head_position() == 14
    sealing.seal_if_older(0, AUTHOR)
    last = SqlSeals(written.database).find_last()
    assert last is not None
    assert (last.recorded_position, last.seal.position, last.actor) == (15, 14, AUTHOR.actor)
    assert last.seal.hmac == KEY.sign(last.seal.text)


@pytest.mark.parametrize(
    "damage", ["UPDATE ledger_head SET hash = 'x'", "DELETE FROM events WHERE position = 12", "DELETE FROM ledger_head"]
)
def test_a_log_whose_end_is_in_doubt_is_not_sealed(written: SqlEventStore, damage: str) -> None:
    tamper(written, damage)
    with pytest.raises(CorruptLogError, match="run `sandbox-ledger verify`"):
        seal(written)
    assert all(rule != "seal" for _, rule in places(verify(written)))


def test_a_row_that_is_no_seal_is_told(written: SqlEventStore) -> None:
    seal(written)
    tamper(written, "UPDATE events SET data = '{\"position\": 1}' WHERE position = 13")
    assert places(verify(written)) == [(13, "content"), (13, "seal")]
    assert places(verify(written, since=True)) == [(13, "content"), (13, "seal")]
    with pytest.raises(CorruptLogError, match="event 13"):
        SqlSeals(written.database).find_last()


def test_bytes_that_are_no_text_are_damage_like_any_other(sqlite_url: str) -> None:
    with opened(sqlite_url) as store:
        append(store, *born())
        append(store, *died(store))
        tamper(
            store,
            "UPDATE events SET actor = CAST(X'ff00fe' AS TEXT) WHERE position = 2",
            "UPDATE events SET data = X'ff' WHERE position = 5",
            "UPDATE events SET correlation_id = X'00' WHERE position = 7",
        )
        assert places(verify(store)) == [(2, "content"), (5, "content"), (7, "content")]
        tamper(store, "UPDATE events SET actor = 'worker:w1' WHERE position = 2")
        assert places(verify(store)) == [(5, "content"), (7, "content")]


def test_a_keyed_log_that_nobody_seals_is_found(written: SqlEventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "OVERDUE_SECONDS", 0.0)

    def rules(key: SealKey | None, interval: float) -> set[str]:
        scope = Scope(seal_interval=interval)
        return {one.rule for one in Verification(written.database, key, scope).run().problems}

    assert rules(KEY, 1e-9) == {"unsealed"}
    assert rules(KEY, 3600) == rules(None, 1e-9) == rules(KEY, 0) == set()
    seal(written, OTHER_KEY)
    assert rules(KEY, 1e-9) == {"unsealed"}
    seal(written, KEY)
    assert rules(KEY, 1e-9) == set()
    append(written, ev.SandboxReleased(generation=2, worker_id="w1", cause="request"))
    assert rules(KEY, 1e-9) == {"unsealed"}
