"""The commit loop: read a stream, decide, append; on a lost race read it again and decide again."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

from provider.core.faults import point
from provider.domain.errors import ConcurrencyError, DuplicateCommand, VersionConflict
from provider.domain.events import Event
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import Author
from provider.ports.log import EventStore

MAX_CONFLICTS = 50
FIRST_PAUSE_SECONDS = 0.0005
LONGEST_PAUSE_SECONDS = 0.05

Known = TypeVar("Known")


def commit(
    subject: str,
    read: Callable[[], Known],
    decide: Callable[[Known], Sequence[Event]],
    append: Callable[[Known, Sequence[Event]], Known],
) -> tuple[Known, Sequence[Event]]:
    """Decide on what `read` returns and append it; `append` raises `VersionConflict` when that has moved on.

    Return what is known afterwards and the events appended (none when the decision was to do nothing). Raise
    `ConcurrencyError` when the race is lost `MAX_CONFLICTS` times in a row; what `decide` raises passes.
    """
    for attempt in range(MAX_CONFLICTS):
        known = read()
        events = decide(known)
        if not events:
            return known, ()
        point(f"append.{events[0].type}.before")
        try:
            known = append(known, events)
        except VersionConflict:
            _pause(attempt)
            continue
        point(f"append.{events[0].type}.after")
        return known, events
    raise ConcurrencyError(
        f"{subject}: others changed it {MAX_CONFLICTS} times in a row during the decision; "
        "nothing was written, try again"
    )


def new_author(actor: str, command_id: str | None = None) -> Author:
    """Begin one call: a fresh correlation id for all its events."""
    return Author(actor, str(uuid.uuid4()), command_id)


def commit_ledger(store: EventStore, event: Event, author: Author) -> bool:
    """Append one event to the `ledger` stream, which is about the installation and no single sandbox.

    False when the author's `command_id` says that it was recorded before.
    """

    def append(version: int, events: Sequence[Event]) -> int:
        store.append(LEDGER_STREAM, version, events, author)
        return version + len(events)

    try:
        commit("the ledger stream", lambda: store.version_of(LEDGER_STREAM), lambda _: [event], append)
    except DuplicateCommand:
        return False
    return True


def _pause(attempt: int) -> None:
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311
