"""A history step by step: what each event changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from provider.domain import events as ev
from provider.domain.log import RecordedEvent
from provider.reading.past import fold_history
from web.presentation.event_line import tell_event
from web.presentation.folding import describe_state, list_changes

SINCE = datetime(2026, 3, 28, 13, 0, tzinfo=UTC)
ID = "0123456789abcdef"


def history(*events: ev.Event) -> list[RecordedEvent]:
    return [
        RecordedEvent(
            number, f"sandbox:{ID}", number, event, SINCE + timedelta(seconds=number), "worker:w", "c", None, "h"
        )
        for number, event in enumerate(events, 1)
    ]


BEGINNING = history(
    ev.SandboxCreating(
        generation=1, sandbox_id=ID, user_id="alice", thread_id="t", backend="fake", image="i", cause="cold",
        worker_id="w", container_name="c-g1",
    ),
    ev.SandboxStarted(generation=1, container_id="x", container_name="c-g1", host="h", url="u"),
    ev.SandboxReady(generation=1, startup_seconds=0.5),
    ev.SandboxAcquired(generation=1, worker_id="w", how="created"),
    ev.SandboxDied(generation=1, detected_by="watch", detected_at=SINCE),
)  # fmt: skip


def test_each_step_tells_what_it_changed() -> None:
    changes = list_changes(fold_history(ID, BEGINNING), {4, 5})
    assert list(changes) == [4, 5]
    assert [(one.name, one.before, one.after) for one in changes[4]] == [
        ("holders", None, "w"), ("status", "warm", "active"),
    ]  # fmt: skip
    changed = {one.name: (one.before, one.after) for one in changes[5]}
    assert changed["status"] == ("active", "dead")
    assert changed["holders"] == ("w", None)
    assert changed["g1.detected_by"] == (None, "watch")


def test_the_state_is_told_flat_and_without_what_is_not_known() -> None:
    described = describe_state(list(fold_history(ID, BEGINNING))[2])
    assert described["g1.host"] == "h"
    assert "g1.ready_at" not in described
    assert "version" not in described


def test_a_line_says_where_its_stream_leads_and_whether_it_is_bad() -> None:
    line = tell_event(BEGINNING[4])
    assert (line.type, line.sandbox_id, line.is_bad) == ("SandboxDied", ID, True)
    assert '"detected_by": "watch"' in line.payload
    assert not tell_event(BEGINNING[2]).is_bad


def test_what_was_archived_while_the_history_was_read_is_not_folded_twice() -> None:
    whole = list(fold_history(ID, BEGINNING))
    assert list(fold_history(ID, BEGINNING[1:], start=whole[3])) == whole[3:]
