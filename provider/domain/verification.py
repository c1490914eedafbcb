"""Judging a log as a whole: its end, its streams, and the seals, those recorded in it and those kept outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from provider.domain.findings import Findings, Problem
from provider.domain.log import ChainPoint
from provider.domain.seals import Seal, SealKey, check_authenticity
from provider.domain.wording import count_of

Progress = Callable[[int, int], None]
"""Told how many events were walked, and how many there are to walk."""

OVERDUE_INTERVALS = 2
OVERDUE_SECONDS = 300.0
"""A seal is overdue when two of its intervals have passed, and as long as a leader may take to notice."""

StartKind = Literal["beginning", "archive", "seal"]


@dataclass(frozen=True, slots=True)
class RecordedSeal:
    """A seal as the log has it: in which event, when, and by whom."""

    seal: Seal
    recorded_position: int
    recorded_at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a verification covers.

    `since_last_seal` walks only what is behind the last seal that still matches; `tables` also compares the tables
    with the log, which reads all of it once more: None does so where the log is not long and all of it is walked.
    `list_own_seals` lists those made of a ledger on this host; `seal_interval` is how often the log is to be sealed, in
    seconds, 0 for never.
    """

    kept_seals: tuple[Seal, ...] = ()
    list_own_seals: Callable[[str], Sequence[Seal]] = lambda ledger_id: ()
    seal_interval: float = 0.0
    since_last_seal: bool = False
    tables: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What was looked at, and everything that was found; nothing was changed.

    `events` were walked behind `start`: from the beginning, from the end of an archive, or from a seal that still
    matched. `problem_count` may be more than the problems that are listed.
    """

    ledger_id: str | None
    start: ChainPoint
    start_kind: StartKind
    end: ChainPoint
    events: int
    recorded_seals: int
    kept_seals: int
    problem_count: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """How a schema differs from the shipped one; `unchecked` says why nothing was compared, else it is None."""

    differences: tuple[str, ...] = ()
    unchecked: str | None = None


def is_trusted(seal: Seal, ledger_id: str | None, stored_hash: str | None, key: SealKey | None) -> bool:
    """Return whether a walk may start from a seal: it matches the log, and with a key its HMAC is right."""
    accepted = {"genuine"} if key is not None else {"unkeyed", "no_key"}
    matches = (seal.ledger_id, seal.hash, seal.count) == (ledger_id, stored_hash, seal.position)
    return matches and check_authenticity(seal, key) in accepted


def compare_end(head: ChainPoint | None, end: ChainPoint, findings: Findings) -> None:
    """Compare the head row with the end of the log."""
    if head is None:
        findings.add("head", None, "ledger_head must have one row, and has not: nothing says where the log ends")
    elif head.position > end.position:
        first = end.position + 1
        which = f"event {first} is" if first == head.position else f"events {first} to {head.position} are"
        findings.add("missing", first, f"{which} missing: the head row says that the log goes on to {head.position}")
    elif head.position < end.position:
        first = head.position + 1
        findings.add(
            "head", first, f"the head row says that the log ends at {head.position}, it ends at {end.position}"
        )
    elif head.hash != end.hash:
        findings.add("head", head.position, "the head row has another hash than the last event")


def compare_streams(recorded: Mapping[str, int], table: Mapping[str, int], findings: Findings) -> None:
    """Compare the last version of each stream that was walked with what the table `streams` says."""
    for stream in sorted(recorded.keys() | table.keys(), key=str):
        last, said = recorded.get(stream), table.get(stream)
        if last is None:
            findings.add("stream", None, f"streams has {stream} at version {said}, the log has no event of it")
        elif said is None:
            findings.add("stream", None, f"streams does not have {stream}, the log has its version {last}")
        elif last != said:
            findings.add("stream", None, f"streams has {stream} at version {said}, the log has it at {last}")


def judge_recorded_seals(
    seals: Sequence[RecordedSeal],
    ledger_id: str | None,
    hashes: Mapping[int, str],
    key: SealKey | None,
    findings: Findings,
) -> None:
    """Check the seals that the log itself has, in their order, against the log's stored hashes."""
    counts = {"unkeyed": 0, "no_key": 0, "other_key": 0}
    for recorded in seals:
        seal, at = recorded.seal, recorded.recorded_position
        proof = check_authenticity(seal, key)
        for objection in _objections(seal, ledger_id, at - 1):
            findings.add("seal", at, f"the seal in event {at} {objection}")
        if proof == "forged":
            findings.add("seal", at, f"the seal in event {at} has an HMAC that the configured key does not give")
        elif proof != "genuine":
            counts[proof] += 1
        found = hashes.get(seal.position)
        if found is not None and found != seal.hash:
            told = f"event {seal.position} has another hash than the seal in event {at} says: the log was rewritten"
            findings.add("rewritten", seal.position, told)
    _note_unchecked(counts, key, findings)


def judge_kept_seals(
    seals: Collection[Seal],
    ledger_id: str | None,
    base: ChainPoint,
    end: ChainPoint,
    hashes: Mapping[int, str],
    key: SealKey | None,
    findings: Findings,
) -> None:
    """Check seals that were kept outside against the log: its end cut off, or all of it rewritten."""
    matched = base.position
    for seal in sorted(seals, key=lambda one: one.position):
        at = seal.position
        objections = [*_objections(seal, ledger_id, None), *_doubts(seal, key)]
        for objection in objections:
            findings.add("kept_seal", at, f"the kept seal of position {at} {objection}")
        if seal.ledger_id != ledger_id or check_authenticity(seal, key) == "forged":
            continue  # it says nothing about this log
        found = hashes.get(at)
        if at < base.position:
            findings.note(f"the kept seal of position {at} is about archived events: check it against the archive")
        elif at > end.position:
            told = f"the log ends at {end.position}, but it had {count_of(seal.count, 'event')} when it was sealed"
            findings.add("truncated", end.position + 1, f"{told}: its end is cut off")
        elif found is None:
            findings.add("missing", at, f"event {at} is missing, which a kept seal names")
        elif found != seal.hash:
            told = f"the kept seal of position {at} has another hash: the log was rewritten behind position {matched}"
            findings.add("rewritten", at, told)
        else:
            matched = at


def judge_sealing(
    unsealed_since: datetime | None, now: datetime, interval: float, key: SealKey | None, findings: Findings
) -> None:
    """Find that a keyed log is not sealed as it should be; `unsealed_since` is when its first unsealed event came."""
    if key is None or not interval or unsealed_since is None:
        return
    waited = (now - unsealed_since).total_seconds()
    if waited > OVERDUE_INTERVALS * interval + OVERDUE_SECONDS:
        told = f"no seal with the HMAC of audit.seal_key is behind what came {waited:,.0f} s ago"
        findings.add(
            "unsealed", None, f"{told}, and one is due every {interval:g} s: they were removed, or none is made"
        )


def _objections(seal: Seal, ledger_id: str | None, last: int | None) -> list[str]:
    said = []
    if ledger_id is not None and seal.ledger_id != ledger_id:
        said.append(f"is of ledger {seal.ledger_id}, this is {ledger_id}")
    if seal.count != seal.position:
        said.append(f"counts {count_of(seal.count, 'event')} up to position {seal.position}")
    if last is not None and not 0 < seal.position <= last:
        said.append(f"is about event {seal.position}, which is not before it")
    return said


def _doubts(seal: Seal, key: SealKey | None) -> list[str]:
    """Return why a kept seal proves nothing although a key is configured."""
    if key is None:
        return []
    return {
        "forged": ["has an HMAC that the configured key does not give: it is forged, or was changed"],
        "unkeyed": ["has no HMAC although audit.seal_key is set: anybody can have written it"],
        "other_key": [f"is of key {seal.key_id}, audit.seal_key is {key.key_id}: verify it with the key of its time"],
    }.get(check_authenticity(seal, key), [])


def _note_unchecked(counts: Mapping[str, int], key: SealKey | None, findings: Findings) -> None:
    if counts["unkeyed"]:
        told = _count_seals(counts["unkeyed"], "has no HMAC", "have no HMAC")
        findings.note(f"{told}: who can write the log can write {'it' if counts['unkeyed'] == 1 else 'them'} too")
    if counts["no_key"]:
        told = _count_seals(counts["no_key"], "has an HMAC", "have an HMAC")
        findings.note(f"{told}; audit.seal_key is not set, so none was checked")
    if counts["other_key"] and key is not None:
        told = _count_seals(counts["other_key"], "is", "are")
        findings.note(f"{told} of another key than {key.key_id} and not checked")


def _count_seals(count: int, one: str, many: str) -> str:
    return f"{count_of(count, 'seal')} in the log {one if count == 1 else many}"
