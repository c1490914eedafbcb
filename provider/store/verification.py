"""Verifying a ledger: the chain event by event, then its end, its streams and its seals, in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from provider.domain.chain import ChainCheck, StoredEvent
from provider.domain.errors import CorruptLogError, StoreUnavailable
from provider.domain.findings import Findings
from provider.domain.log import ChainPoint
from provider.domain.seals import SealKey, check_authenticity
from provider.domain.verification import (
    Progress,
    RecordedSeal,
    Scope,
    StartKind,
    VerificationReport,
    compare_end,
    compare_streams,
    is_trusted,
    judge_kept_seals,
    judge_recorded_seals,
    judge_sealing,
)
from provider.domain.wording import count_of
from provider.store.audit_sql.views import list_violations
from provider.store.chunks import chunked
from provider.store.coordination.lost_rows import find_lost_rows
from provider.store.database import Database, database_now
from provider.store.log.chain_base import chain_base
from provider.store.log.reader import find_time_of
from provider.store.log.seals import last_seals, read_head, read_seal
from provider.store.log.walk import hashes_at, positions_before, walk
from provider.store.projections.rebuild import find_differences
from provider.store.schema import compare_schema
from provider.store.tables import streams

CHECKED_HERE = frozenset({"gap_in_positions", "head_differs", "gap_in_versions", "stream_differs", "stream_unknown"})
"""The rules of `v_violations` that a walk checks event by event."""

MOST_COMPARED = 100_000
"""A log with more events is folded, for the comparison with the tables, only where that is asked for."""

SEALS_TRIED = 1000
"""An incremental walk looks among so many for a seal that matches; with none it walks from the beginning."""


class Verification:
    """One look for everything that is not as it was recorded. It changes nothing and keeps no writer waiting."""

    def __init__(self, database: Database, key: SealKey | None, scope: Scope) -> None:
        self._database = database
        self._key = key
        self._scope = scope
        self._findings = Findings()

    def run(self, progress: Progress | None = None) -> VerificationReport:
        """Walk, compare and judge."""
        findings = self._findings
        with self._database.reading() as connection:
            kind, start = self._choose_start(connection)
            check = ChainCheck(start, findings)
            head = read_head(connection).point or start
            for position in walk(connection, check):
                if progress is not None:
                    progress(position - start.position, max(position, head.position) - start.position)
        with self._database.snapshot() as connection:
            # What was appended meanwhile is walked here: the end is compared with the head row of the same moment.
            for _ in walk(connection, check):
                pass
            ledger_id, known_end = read_head(connection)
            compare_end(known_end, check.point, findings)
            self._compare_streams(connection, check, kind)
            for position in positions_before(connection):
                findings.add("outside", position, f"event {position} stands before the beginning of the log")
            seals = self._judge_seals(connection, check, ledger_id)
            self._judge_sealing(connection)
        for (name, version), (first, count) in check.unreadable.items():
            told = f"{count_of(count, 'event')} of {name}, schema version {version} (the first is {first}), "
            told += "is unknown here: only its" if count == 1 else "are unknown here: only their"
            findings.note(f"{told} place in the chain was checked")
        if kind != "seal":
            self._list_violations()
        if self._is_comparing(known_end):
            self._compare_tables(known_end, may_be_newer=bool(check.unreadable))
        self._compare_schema()
        return VerificationReport(
            ledger_id=ledger_id, start=start, start_kind=kind, end=check.point, events=check.events,
            recorded_seals=seals, kept_seals=len(self._scope.kept_seals), problem_count=findings.count,
            problems=tuple(findings.problems), notes=tuple(findings.notes),
        )  # fmt: skip

    def _choose_start(self, connection: Connection) -> tuple[StartKind, ChainPoint]:
        base = chain_base(connection)
        if self._scope.since_last_seal:
            ledger_id = read_head(connection).ledger_id
            recorded = [one.seal for one in self._readable(last_seals(connection, SEALS_TRIED))]
            seals = sorted({*self._scope.kept_seals, *recorded}, key=lambda seal: seal.position, reverse=True)
            hashes = hashes_at(connection, [seal.position for seal in seals])
            for seal in seals:
                if is_trusted(seal, ledger_id, hashes.get(seal.position), self._key):
                    return "seal", seal.point
            self._findings.note("no seal was found that matches this log: it was walked from its beginning")
        return ("archive" if base.position else "beginning"), base

    def _compare_streams(self, connection: Connection, check: ChainCheck, kind: StartKind) -> None:
        wanted = select(streams.c.stream, streams.c.version)
        if kind == "beginning":
            table = {row.stream: row.version for row in connection.execute(wanted)}
        else:
            table = {}
            for names in chunked(sorted(check.versions, key=str)):
                rows = connection.execute(wanted.where(streams.c.stream.in_(names)))
                table |= {row.stream: row.version for row in rows}
        compare_streams(check.versions, table, self._findings)

    def _judge_seals(self, connection: Connection, check: ChainCheck, ledger_id: str | None) -> int:
        kept, base = self._scope.kept_seals, chain_base(connection)
        listed = self._scope.list_own_seals(ledger_id) if ledger_id is not None else ()
        own = [seal for seal in listed if seal not in kept]
        own = [seal for seal in own if seal.position >= base.position] or own[-1:]
        recorded = self._readable(check.seals, self._findings)
        positions = [one.seal.position for one in recorded] + [seal.position for seal in (*kept, *own)]
        hashes = hashes_at(connection, positions)
        judge_recorded_seals(recorded, ledger_id, hashes, self._key, self._findings)
        judge_kept_seals(kept, ledger_id, base, check.point, hashes, self._key, self._findings)
        # Nobody with the database can have written those made here: they need no HMAC to be believed.
        judge_kept_seals(own, ledger_id, base, check.point, hashes, None, self._findings)
        return len(check.seals)

    def _judge_sealing(self, connection: Connection) -> None:
        recorded = self._readable(last_seals(connection, SEALS_TRIED))
        genuine = (one for one in recorded if check_authenticity(one.seal, self._key) == "genuine")
        sealed = next((one.recorded_position for one in genuine), chain_base(connection).position)
        since = find_time_of(connection, sealed + 1)
        judge_sealing(since, database_now(connection), self._scope.seal_interval, self._key, self._findings)

    def _readable(self, stored: Iterable[StoredEvent], findings: Findings | None = None) -> list[RecordedSeal]:
        seals = []
        for one in stored:
            try:
                seals.append(read_seal(one))
            except CorruptLogError as error:
                if findings is not None:
                    findings.add("seal", one.position, str(error))
        return seals

    def _list_violations(self) -> None:
        findings = self._findings
        try:
            with self._database.reading() as connection:
                violations = list_violations(connection)
        except StoreUnavailable as error:
            if not findings.count:
                raise
            # The rules read payloads: in a log that was damaged they may be none.
            findings.note(f"the rules of v_violations cannot be checked on this log: {error}")
            return
        for found in violations:
            if found.rule not in CHECKED_HERE:
                findings.add("violation", found.position, f"{found.rule}: {found.subject}: {found.detail}")

    def _compare_schema(self) -> None:
        compared = compare_schema(self._database)
        for difference in compared.differences:
            self._findings.add("schema", None, difference)
        if compared.unchecked is not None:
            self._findings.note(f"the schema was not compared with the shipped one: {compared.unchecked}")

    def _is_comparing(self, head: ChainPoint | None) -> bool:
        """Whether the tables are compared with the log; what is left out is noted."""
        if self._scope.tables is not None:
            return self._scope.tables
        events = head.position if head is not None else 0
        if self._scope.since_last_seal or events > MOST_COMPARED:
            self._findings.note("the tables were not compared with the log: `sandbox-ledger verify --tables` does that")
            return False
        return True

    def _compare_tables(self, head: ChainPoint | None, *, may_be_newer: bool) -> None:
        if head is None:
            self._findings.add("table", None, "without a head row the tables cannot be compared with the log")
            return
        try:
            for difference in [*find_differences(self._database), *find_lost_rows(self._database)]:
                self._findings.add("table", None, difference)
        except CorruptLogError as error:
            is_known = self._findings.count and self._scope.tables is None
            if is_known or (may_be_newer and not self._findings.count):
                self._findings.note(f"the tables were not compared with the log: {error}")
            else:
                self._findings.add("table", error.position, f"the tables cannot be compared with the log: {error}")
