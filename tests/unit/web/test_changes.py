from __future__ import annotations

from datetime import UTC, datetime

from provider.domain.events import WorkerStopped
from provider.domain.log import RecordedEvent
from web.live.changes import REMEMBERED, Change, RecentChanges


def event(position: int, stream: str) -> RecordedEvent:
    return RecordedEvent(
        position, stream, 1, WorkerStopped(worker_id="w"), datetime.now(UTC), "worker:w", "c", None, "0" * 64
    )


def test_what_changed_behind_a_position_is_summed_up() -> None:
    changes = RecentChanges(10).plus([event(11, "sandbox:a"), event(12, "worker:w")]).plus([event(13, "sandbox:b")])
    assert changes.since(10, 13) == Change(13, frozenset({"sandbox", "worker"}), frozenset({"a", "b"}))
    assert changes.since(11, 13) == Change(13, frozenset({"sandbox", "worker"}), frozenset({"b"}))
    assert changes.since(12, 13) == Change(13, frozenset({"sandbox"}), frozenset({"b"}))


def test_what_is_not_known_any_more_is_everything() -> None:
    everything = Change(13, frozenset({"all"}))
    assert RecentChanges(10).since(9, 13) == everything
    changes = RecentChanges(0).plus(event(number, "sandbox:a") for number in range(1, REMEMBERED + 3))
    assert len(changes.changes) == REMEMBERED
    assert changes.since(1, 13) == everything
    assert changes.since(2, 13).topics == {"sandbox"}


def test_too_many_sandboxes_to_name_are_none() -> None:
    changes = RecentChanges(0).plus(event(number, f"sandbox:{number}") for number in range(1, 52))
    assert changes.since(0, 51) == Change(51, frozenset({"sandbox"}))
    assert len(changes.since(1, 51).sandbox_ids) == 50
