from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from provider.cli.verbs.why import write_narrative
from provider.domain import events as ev
from provider.domain.containers import Limits, Restarted
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.endings import Ending
from provider.reading.headlines import describe_event
from provider.reading.narrative import explain_exit_code, tell_alive, tell_ending, tell_restarted

T0 = datetime(2026, 7, 30, 12, 0, 0, tzinfo=UTC)
SANDBOX = SandboxRecord(
    sandbox_id="ab" * 8, user_id="alice", thread_id="t", status="active", generation=2, holders=("w2",),
    container_id="c2", url="http://127.0.0.1:2", retry_at=None, created_at=T0, updated_at=T0, version=9,
    last_activity_at=None,
)  # fmt: skip
CRASHED = Generation(
    number=1, backend="docker", image="image", cause="cold", worker_id="w1", container_id="c" * 64,
    container_name="sandbox-abab-g1", host="here", url="http://127.0.0.1:1", creating_at=T0,
    ready_at=T0 + timedelta(seconds=1), died_at=T0 + timedelta(seconds=5, milliseconds=80), detected_by="watch",
    ended_at=T0 + timedelta(seconds=6), end_reason="crashed", expected=False, exit_code=137, oom_killed=False,
    finished_at=T0 + timedelta(seconds=5), evidence_position=7, removed_at=T0 + timedelta(seconds=6),
)  # fmt: skip
EVIDENCE = ev.EvidenceCollected(
    generation=1, found=True, exit_code=137, oom_killed=False, engine_error="", finished_at=CRASHED.finished_at,
    limits=Limits(memory_bytes=512 * 1024**2), log_tail="bye\x1b[2J\n",
)  # fmt: skip


def record(event: ev.Event, seconds: float, actor: str = "worker:w1") -> RecordedEvent:
    return RecordedEvent(1, "sandbox:" + "ab" * 8, 1, event, T0 + timedelta(seconds=seconds), actor, "c", None, "h")


def ending(generation: Generation = CRASHED, *events: RecordedEvent) -> Ending:
    died = record(ev.SandboxDied(generation=1, detected_by="watch", detected_at=T0), 5.1)
    ready = record(ev.SandboxReady(generation=2, startup_seconds=1), 7.08)
    return Ending(sandbox=SANDBOX, generation=generation, events=(died, *(events or (record(EVIDENCE, 6),)), ready))


def told(one: Ending) -> str:
    story = tell_ending(one, T0 + timedelta(minutes=5))
    return "\n".join([story.headline, *story.facts, *story.since, *story.advice])


def test_a_crash_is_told_with_who_when_how_fast_and_what_it_means() -> None:
    story = told(ending())
    assert "Generation 1 of sandbox abababababababab (thread 't', user 'alice') died unexpectedly" in story
    assert "2026-07-30 12:00:05.000Z (4 min 55 s ago)" in story
    assert "sandbox-abab-g1 (docker cccccccccccc) ran on here for 4 s" in story
    assert "noticed 80 ms later by worker:w1, by watching the container" in story
    assert "Exit code 137 (SIGKILL" in story
    assert "No lack of memory was reported; its limit was 512 MiB" in story
    assert "Generation 2 was ready 2 s later; the sandbox is active now." in story
    assert "Nothing has to be repaired" in story


def test_lack_of_memory_is_told_with_the_limit_and_what_to_do() -> None:
    oom = replace(CRASHED, end_reason="oom", oom_killed=True)
    story = told(ending(oom, record(replace(EVIDENCE, oom_killed=True), 6)))
    assert "The kernel ran out of memory for it; its limit was 512 MiB." in story
    assert "raise sandbox.limits.memory" in story


def test_a_container_that_vanished_has_no_evidence_but_a_hint() -> None:
    gone = record(ev.EvidenceCollected(generation=1, found=False, exit_code=None, oom_killed=False, engine_error="",
                                       finished_at=None), 6)  # fmt: skip
    story = told(ending(replace(CRASHED, exit_code=None, finished_at=None), gone))
    assert "the engine no longer had it" in story
    assert "behind the ledger's back" in story


def test_an_eviction_names_its_author_and_its_setting() -> None:
    idle = replace(CRASHED, died_at=None, detected_by=None, end_reason="idle", expected=True, evidence_position=None)
    evicted = record(ev.SandboxEvicted(generation=1, reason="idle"), 6, "sweeper:s1")
    story = told(Ending(sandbox=replace(SANDBOX, generation=1, status="gone"), generation=idle, events=(evicted,)))
    assert "was taken out of use as intended" in story
    assert "recorded by sweeper:s1" in story
    assert "Raise sandbox.idle_timeout" in story
    assert "No generation came after it: the sandbox is gone." in story


def test_a_start_that_failed_and_a_removal_that_did_not_work() -> None:
    failed = replace(
        CRASHED, died_at=None, ready_at=None, end_reason=None, error="readiness: no answer", removed_at=None,
        removal_failures=2, removal_error="engine says no",
    )  # fmt: skip
    story = told(ending(failed))
    assert "never came up" in story
    assert "failed at stage readiness: no answer" in story
    assert "not removed yet (engine says no); the removal is tried again" in story
    assert "sandbox-ledger doctor" in story


def test_a_back_off_is_told_until_it_is_over() -> None:
    looping = replace(SANDBOX, status="dead", generation=1, retry_at=T0 + timedelta(minutes=5))
    crashed = Ending(sandbox=looping, generation=CRASHED, events=ending().events)
    (told_before,) = [one for one in tell_ending(crashed, T0 + timedelta(minutes=4)).since if "too often" in one]
    assert told_before == "It crashed too often: no new start before 2026-07-30 12:05:00Z."
    assert not [one for one in tell_ending(crashed, T0 + timedelta(minutes=5)).since if "too often" in one]


def test_nothing_ended() -> None:
    assert "Nothing ended" in tell_alive(SANDBOX, None, T0 + timedelta(hours=2)).headline
    assert "No generation 2" in tell_alive(SANDBOX, 2, T0).headline


def test_hostile_log_lines_are_shown_and_not_obeyed(capfd: pytest.CaptureFixture[str]) -> None:
    write_narrative(tell_ending(ending(), T0))
    shown = capfd.readouterr().out
    assert r"  | bye\x1b[2J" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "0 (the sandbox's server left in order"), (1, "1 (the sandbox's server failed"), (42, "42"),
        (127, "127 (the container's command was not found"), (137, "137 (SIGKILL: "), (139, "139 (SIGSEGV: "),
        (143, "143 (SIGTERM: "), (129, "129 (ended by SIGHUP)"), (255, "255"),
    ],
)  # fmt: skip
def test_exit_codes_are_explained(code: int, words: str) -> None:
    assert explain_exit_code(code).startswith(words)


def test_a_restart_is_told_in_one_line() -> None:
    line = tell_restarted("ab" * 8, 2, Restarted(1, "crashed", 137, T0, 1.5))
    assert line == (
        "sandbox abababababababab: restarted, this is generation 2; files and processes of generation 1 are lost: its "
        "container stopped running, unasked, exit code 137, at 2026-07-30 12:00:00Z; ready again after 1.5 s"
    )


@pytest.mark.parametrize("name", sorted(ev.REGISTRY))
def test_every_event_has_a_description_or_needs_none(name: str) -> None:
    silent = {"SandboxDestroyed", "WorkerStopped"}
    samples: dict[str, object] = {
        "generation": 1, "detected_at": T0, "retry_at": T0, "finished_at": T0, "last_heartbeat_at": T0,
        "startup_seconds": 1.0, "exit_code": 1, "pid": 1, "failures": 1, "expected": 1, "observed": 1, "actions": 1,
        "events": 1, "count": 1, "found": True, "oom_killed": False, "limits": Limits(),
    }  # fmt: skip
    cls = ev.REGISTRY[name]
    event = cls(**{field: samples.get(field, "text") for field in (f.name for f in fields(cls))})
    assert bool(describe_event(record(event, 0))) == (name not in silent)
