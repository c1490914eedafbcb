"""Whatever is changed, dropped, swapped or put into a chain is found where it is, and nothing else is blamed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from provider.domain.chain import ChainCheck, StoredEvent
from provider.domain.findings import Findings
from provider.domain.log import GENESIS, ChainPoint
from provider.domain.verification import compare_end
from tests.unit.domain.strategies import storable_text

Log = list[StoredEvent]
LENGTH = 8
BORN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def chained(previous: str, stored: StoredEvent) -> StoredEvent:
    """Give an event its hash, from the description in `provider/domain/log.py` and with none of its code."""
    moment = stored.recorded_at
    at = moment if isinstance(moment, str) else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = {
        name: getattr(stored, name) for name in StoredEvent._fields if name not in ("position", "hash", "recorded_at")
    }
    text = json.dumps(
        {**body, "data": json.loads(stored.data)}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return stored._replace(hash=hashlib.sha256(f"{previous}\n{stored.position}\n{at}\n{text}".encode()).hexdigest())


def rechained(log: Sequence[StoredEvent], first: int = 1) -> Log:
    """Number the events from 1 on, and compute the hashes from one position on anew: what a forger would do."""
    made: Log = []
    for position, stored in enumerate(log, 1):
        numbered = stored._replace(position=position)
        made.append(chained(made[-1].hash if made else "0" * 64, numbered) if position >= first else numbered)
    return made


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Make logs of two streams, with times as values or as text and payloads spaced as JSONB spaces them."""
    versions = {"ledger": 0, "sandbox:a": 0}
    log = []
    for position in range(1, LENGTH + 1):
        stream = draw(st.sampled_from(sorted(versions)))
        versions[stream] += 1
        moment = BORN + timedelta(microseconds=position)
        times: list[datetime | str] = [moment, moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
        payload = {"b": draw(st.integers(-5, 5)), "a": [draw(storable_text), None, True]}
        log.append(
            StoredEvent(
                position, stream, versions[stream], draw(st.sampled_from(["SandboxEvicted", "FromTheFuture"])), 1,
                json.dumps(payload, indent=draw(st.sampled_from([None, 2]))), draw(st.sampled_from(times)),
                draw(storable_text), "call", draw(st.none() | storable_text), "",
            )
        )  # fmt: skip
    return rechained(log)


def check(log: Sequence[StoredEvent], base: ChainPoint = GENESIS) -> tuple[Findings, ChainPoint]:
    """Walk a log."""
    findings = Findings()
    walked = ChainCheck(base, findings)
    for stored in log:
        walked.take(stored)
    return findings, walked.point


def positions(findings: Findings, rule: str) -> list[int | None]:
    return [one.position for one in findings.problems if one.rule == rule]


CHANGES: dict[str, Any] = {
    "stream": "sandbox:b", "version": 99, "type": "SandboxReady", "schema_version": 2, "data": '{"a": 1}',
    "recorded_at": "2020-01-01T00:00:00.000000Z", "actor": "operator:\0eve", "correlation_id": "another",
    "command_id": "key\n", "hash": "f" * 64,
}  # fmt: skip
places = st.integers(1, LENGTH)


@given(log=logs())
@settings(deadline=None)
def test_a_log_as_it_was_recorded_is_whole(log: Log) -> None:
    findings, end = check(log)
    compare_end(ChainPoint(LENGTH, log[-1].hash), end, findings)
    assert findings.problems == []
    assert check(log[3:], ChainPoint(3, log[2].hash))[0].problems == []


@given(log=logs(), place=places, column=st.sampled_from(sorted(CHANGES)))
@settings(deadline=None)
def test_one_changed_value_is_one_broken_event(log: Log, place: int, column: str) -> None:
    log[place - 1] = log[place - 1]._replace(**{column: CHANGES[column]})
    findings, _ = check(log)
    assert positions(findings, "content") == [place]


@given(log=logs(), first=places, last=places)
@settings(deadline=None)
def test_missing_events_are_named_and_no_other_is_blamed(log: Log, first: int, last: int) -> None:
    head = ChainPoint(LENGTH, log[-1].hash)
    first, last = min(first, last), max(first, last)
    findings, end = check(log[: first - 1] + log[last:])
    compare_end(head, end, findings)
    assert positions(findings, "missing") == [first]
    assert positions(findings, "content") == positions(findings, "head") == []
    (told,) = [one.detail for one in findings.problems if one.rule == "missing"]
    assert (f"event {first} is" if first == last else f"events {first} to {last} are") in told


@given(log=logs(), place=st.integers(1, LENGTH - 1))
@settings(deadline=None)
def test_two_events_that_changed_places_are_found(log: Log, place: int) -> None:
    one, other = log[place - 1 : place + 1]
    log[place - 1 : place + 1] = [other._replace(position=place), one._replace(position=place + 1)]
    findings, _ = check(log)
    assert positions(findings, "content")[:2] == [place, place + 1]


@given(log=logs(), place=places)
@settings(deadline=None)
def test_an_event_put_in_with_a_right_hash_breaks_the_next_one(log: Log, place: int) -> None:
    head = ChainPoint(LENGTH, log[-1].hash)
    forged = rechained([*log[:place], log[place - 1]._replace(actor="operator:eve")], place + 1)
    shifted = [stored._replace(position=stored.position + 1) for stored in log[place:]]
    findings, end = check(forged + shifted)
    compare_end(head, end, findings)
    found = positions(findings, "content") + positions(findings, "head")
    assert min(one for one in found if one is not None) == min(place + 2, LENGTH + 1)


@given(log=logs(), place=places)
@settings(deadline=None)
def test_a_chain_made_anew_breaks_nothing_and_ends_with_another_hash(log: Log, place: int) -> None:
    """What an unkeyed chain cannot prove: only a seal kept outside finds it."""
    sealed = log[-1].hash
    log[place - 1] = log[place - 1]._replace(correlation_id="another")
    findings, end = check(rechained(log, place))
    assert findings.problems == []
    assert end.hash != sealed


def test_every_problem_is_collected() -> None:
    log = rechained([
        StoredEvent(n, "ledger", n, "SandboxReady", 1, "{}", BORN, "worker:w", "call", None, "")
        for n in range(1, LENGTH + 1)
    ])  # fmt: skip
    log[1] = log[1]._replace(actor="operator:eve")
    log[2] = log[2]._replace(data="no JSON")
    del log[5]
    findings, _ = check(log)
    assert [(one.position, one.rule) for one in findings.problems] == [
        (2, "content"), (3, "content"), (6, "missing"), (7, "version"),
    ]  # fmt: skip
    assert findings.count == 4


def test_more_problems_than_can_be_listed_are_still_counted() -> None:
    findings = Findings()
    for position in range(10_500):
        findings.add("content", position, "broken")
    assert (len(findings.problems), findings.count) == (10_000, 10_500)


def test_a_hash_written_with_capitals_or_spaced_payload_says_the_same_to_check_and_reader() -> None:
    (stored,) = rechained([StoredEvent(1, "ledger", 1, "X", 1, '{"a":1}', BORN, "worker:w", "call", None, "")])
    assert check([stored._replace(data='{ "a" : 1 }')])[0].problems == []
    assert positions(check([stored._replace(data='{"a":2,"a":1.0}')])[0], "content") == [1]
    assert positions(check([stored._replace(hash=stored.hash.upper())])[0], "content") == [1]
