"""A checker that cannot fail is worthless: every kind of violation is planted here and must be reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provider.domain import events as ev
from provider.domain.codec import to_payload
from provider.domain.containers import Discovered, SandboxInfo
from provider.domain.log import GENESIS_HASH, RecordedEvent, canonical_json, chain_hash, event_body, format_timestamp
from tests.chaos.checker import check
from tests.chaos.observation import Called, Handed, Observation, Row

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C = "a" * 16, "b" * 16, "c" * 16
WORKER, OTHER = "worker-1", "worker-2"

Entry = tuple[str, ev.Event]


def record(entries: Sequence[Entry]) -> list[RecordedEvent]:
    """Make a healthy log: one event each second, versions counted, hashes chained."""
    versions: dict[str, int] = {}
    recorded: list[RecordedEvent] = []
    previous = GENESIS_HASH
    for position, (stream, event) in enumerate(entries, 1):
        version = versions[stream] = versions.get(stream, 0) + 1
        at = NOON + timedelta(seconds=position)
        body = event_body(
            stream=stream, version=version, type_=event.type, schema_version=event.schema_version,
            data=canonical_json(to_payload(event)), actor="worker:w", correlation_id="c", command_id=None,
        )  # fmt: skip
        previous = chain_hash(previous, position, format_timestamp(at), body)
        recorded.append(RecordedEvent(position, stream, version, event, at, "worker:w", "c", None, previous))
    return recorded


def of(sandbox: str, *events: ev.Event) -> list[Entry]:
    return [(f"sandbox:{sandbox}", event) for event in events]


def joined(worker: str) -> Entry:
    return f"worker:{worker}", ev.WorkerStarted(worker_id=worker, host="h", pid=1)


def creating(sandbox: str = A, n: int = 1, user: str | None = "u", thread: str | None = None) -> ev.SandboxCreating:
    return ev.SandboxCreating(
        generation=n, sandbox_id=sandbox, user_id=user, thread_id=thread or f"t-{sandbox[:1]}", backend="file",
        image="i", cause="cold", worker_id=WORKER, container_name=f"sandbox-{sandbox}-g{n}",
    )  # fmt: skip


def started(n: int = 1) -> ev.SandboxStarted:
    return ev.SandboxStarted(generation=n, container_id="c", container_name="n", host="h", url="")


def ready(n: int = 1) -> ev.SandboxReady:
    return ev.SandboxReady(generation=n, startup_seconds=0.5)


def acquired(n: int = 1, worker: str = WORKER) -> ev.SandboxAcquired:
    return ev.SandboxAcquired(generation=n, worker_id=worker, how="created")


def released(n: int = 1, worker: str = WORKER) -> ev.SandboxReleased:
    return ev.SandboxReleased(generation=n, worker_id=worker, cause="request")


def died(n: int = 1) -> ev.SandboxDied:
    return ev.SandboxDied(generation=n, detected_by="get", detected_at=NOON)


def evicted(n: int = 1, reason: ev.EndReason = "request") -> ev.SandboxEvicted:
    return ev.SandboxEvicted(generation=n, reason=reason)


def examined(n: int = 1, log_tail: str = "") -> ev.EvidenceCollected:
    return ev.EvidenceCollected(
        generation=n, found=True, exit_code=137, oom_killed=False, engine_error="", finished_at=None, log_tail=log_tail
    )


def destroyed(n: int = 1) -> ev.SandboxDestroyed:
    return ev.SandboxDestroyed(generation=n)


def running(sandbox: str = A, n: int = 1, *, runs: bool = True) -> Discovered:
    return Discovered(SandboxInfo(sandbox, n, f"id-{sandbox}-{n}", f"sandbox-{sandbox}-g{n}", "h", ""), runs)


BIRTH = (creating(), started(), ready(), acquired())
CRASH = (died(), evicted(reason="crashed"), examined(), destroyed())
HEALTHY = [
    joined(WORKER), *of(A, *BIRTH, *CRASH, creating(n=2), started(2), ready(2), acquired(2)),
    *of(B, creating(B), started(), ready(), acquired(), released(), evicted(), destroyed()),
]  # fmt: skip
HANDED = Handed(WORKER, "u", "t-a", A, 2, NOON + timedelta(seconds=12), NOON + timedelta(seconds=14))


def observation(entries: Sequence[Entry] = HEALTHY, **changes: Any) -> Observation:
    seen = Observation(
        events=record(entries),
        rows=[Row(A, "active", 2, (WORKER,)), Row(B, "gone", 1, ())],
        containers=[running(n=2)],
        replicas=2,
        handed=[HANDED],
    )
    return replace(seen, **changes)


def rules(seen: Observation) -> set[str]:
    return {violation.rule for violation in check(seen)}


def test_a_healthy_ledger_has_no_violation() -> None:
    assert check(observation()) == []


PLANTED: dict[str, list[Entry]] = {
    "one live generation per sandbox": of(A, *BIRTH, creating(n=2)),
    "generations count up by one": of(A, creating(n=2)),
    "one (user, thread) per sandbox": of(A, *BIRTH, evicted(), destroyed(), creating(n=2, thread="another")),
    "one sandbox per (user, thread)": [*of(A, creating(thread="t")), *of(B, creating(B, thread="t"))],
    "intent comes before everything": of(A, started()),
    "a late creation is refused": of(A, creating(), evicted(), ready()),
    "only live sandboxes are held": of(A, *BIRTH, died(), acquired(worker=OTHER)),
    "a hold is recorded once": of(A, *BIRTH, acquired()),
    "only a holder releases": of(A, *BIRTH, released(worker=OTHER)),
    "only known workers hold": of(A, *BIRTH),
    "a death is recorded once, of a live generation": of(A, *BIRTH, died(), died()),
    "a generation ends once": of(A, *BIRTH, evicted(), evicted()),
    "evidence is collected once, before the removal": of(A, *BIRTH, died(), examined(), examined()),
    "intent comes before removal": of(A, *BIRTH, destroyed()),
    "a removal is recorded once": of(A, *BIRTH, evicted(), destroyed(), destroyed()),
    "no evidence, no removal": of(A, *BIRTH, died(), evicted(reason="crashed"), destroyed()),
    "the capacity holds": [*of(A, creating()), *of(B, creating(B)), *of(C, creating(C))],
    "no creation is left half done": of(A, creating()),
    "every death is examined": of(A, *BIRTH, died()),
    "no removal is left half done": of(A, *BIRTH, evicted()),
    "no container is lost": of(B, creating(B), started(), ready()),
}


@pytest.mark.parametrize("rule", PLANTED)
def test_a_broken_history_is_reported(rule: str) -> None:
    assert rule in rules(observation(PLANTED[rule], rows=[]))


def test_the_capacity_of_a_user() -> None:
    entries = [*of(A, creating()), *of(B, creating(B))]
    assert "the capacity of a user holds" in rules(observation(entries, per_user=1))


def change(position: int, **fields: Any) -> list[RecordedEvent]:
    """Alter one event of the healthy log behind the ledger's back."""
    events = record(HEALTHY)
    events[position - 1] = replace(events[position - 1], **fields)
    return events


def test_a_broken_log_is_reported() -> None:
    healthy = record(HEALTHY)
    assert "positions are dense" in rules(observation(events=[*healthy[:3], *healthy[4:]]))
    assert "versions are contiguous" in rules(observation(events=change(5, version=9)))
    assert "time never goes back" in rules(observation(events=change(5, recorded_at=NOON)))
    assert "the hash chain is unbroken" in rules(observation(events=change(5, actor="operator:mallory")))
    assert "the hash chain is unbroken" in rules(observation(events=[healthy[1], healthy[0], *healthy[2:]]))
    twice = [replace(healthy[0], command_id="x"), replace(healthy[1], command_id="x")]
    assert "a command is recorded once" in rules(observation(events=twice))


def test_projections_that_are_not_the_fold_are_reported() -> None:
    assert rules(observation(differences=["sandboxes a: status"])) == {"folding the log gives the projections"}
    dead_in_mapping = [Row(A, "active", 2, (WORKER,)), Row(B, "warm", 1, ())]
    assert rules(observation(rows=dead_in_mapping)) == {"the mapping holds live sandboxes only"}
    wrong_holders = [Row(A, "active", 2, (OTHER,))]
    assert "the mapping says what the log says" in rules(observation(rows=wrong_holders))


def test_an_engine_that_differs_is_reported() -> None:
    assert rules(observation(containers=[running(n=2), running(B)])) == {"no container is leaked"}
    assert rules(observation(containers=[running(n=2), running(n=1, runs=False)])) == {"no container is leaked"}
    assert rules(observation(containers=[])) == {"no container is lost"}
    assert rules(observation(containers=[running(n=2, runs=False)])) == {"no container is lost"}
    assert rules(observation(containers=[running(n=2), running(n=2)])) == {"one container per generation"}


def test_holds_of_ended_workers_are_reported() -> None:
    gone = (f"worker:{WORKER}", ev.WorkerStopped(worker_id=WORKER))
    assert rules(observation([*HEALTHY, gone])) == {"ended workers hold nothing"}


@pytest.mark.parametrize(
    "handed",
    [
        replace(HANDED, generation=3),
        replace(HANDED, generation=1),
        replace(HANDED, ended_at=NOON + timedelta(seconds=11), began_at=NOON + timedelta(seconds=10)),
        replace(HANDED, sandbox_id=C),
    ],
    ids=["never made", "over before the call", "not ready before its end", "unknown"],
)
def test_a_wrong_hand_out_is_reported(handed: Handed) -> None:
    assert rules(observation(handed=[handed])) == {"what is handed out is live"}


CALLED = Called(WORKER, A, 1, NOON + timedelta(seconds=5), NOON + timedelta(seconds=7))


@pytest.mark.parametrize("reason", ["idle", "capacity"])
def test_an_eviction_in_the_middle_of_a_call_is_reported(reason: ev.EndReason) -> None:
    entries = [joined(WORKER), *of(A, *BIRTH, evicted(reason=reason), destroyed())]
    seen = observation(entries, rows=[Row(A, "gone", 1, ())], containers=[], handed=[], called=[CALLED])
    assert rules(seen) == {"what is being called is not evicted"}
    for changed in (replace(CALLED, ended_at=CALLED.began_at), replace(CALLED, generation=2)):
        assert check(replace(seen, called=[changed])) == []
    lost = (f"worker:{WORKER}", ev.WorkerLost(worker_id=WORKER, last_heartbeat_at=NOON))
    lapsed = record([joined(WORKER), *of(A, *BIRTH), lost, *of(A, evicted(reason=reason), destroyed())])
    late = replace(CALLED, ended_at=NOON + timedelta(seconds=9))
    assert check(replace(seen, events=lapsed, called=[late])) == []


def test_two_sandboxes_of_one_thread_are_reported() -> None:
    other = replace(HANDED, sandbox_id=B, generation=1)
    assert "a thread has one sandbox" in rules(observation(handed=[HANDED, other]))


def test_a_told_secret_is_reported() -> None:
    told = [joined(WORKER), *of(A, *BIRTH, died(), evicted(reason="crashed"), examined(log_tail="key=hush"))]
    assert "no secret is told" in rules(observation(told, secrets=["hush"], converged=False))
    assert rules(observation(secrets=["hush"], texts={"log-1": "the key is hush"})) == {"no secret is told"}


def test_what_is_unfinished_is_no_violation_before_the_end() -> None:
    unfinished = [joined(WORKER), *of(A, creating())]
    assert check(observation(unfinished, rows=[], containers=[], handed=[], converged=False)) == []
