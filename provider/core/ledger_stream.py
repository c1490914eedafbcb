"""Appending to the `ledger` stream: what concerns the installation and no single sandbox."""

from __future__ import annotations

from provider.core.faults import point
from provider.domain.errors import ConcurrencyError, DuplicateCommand, VersionConflict
from provider.domain.events import Event
from provider.domain.ids import LEDGER_STREAM
from provider.domain.log import Author
from provider.ports.log import EventStore
from provider.runtime.worker.worker import MAX_CONFLICTS


def commit_ledger(store: EventStore, event: Event, author: Author) -> bool:
    """Append one event; False when the author's `command_id` says that it was recorded before."""
    for _ in range(MAX_CONFLICTS):
        version = store.version_of(LEDGER_STREAM)
        point(f"append.{event.type}.before")
        try:
            store.append(LEDGER_STREAM, version, [event], author)
        except VersionConflict:
            continue
        except DuplicateCommand:
            return False
        point(f"append.{event.type}.after")
        return True
    raise ConcurrencyError(f"the ledger stream changed {MAX_CONFLICTS} times in a row; nothing was written, try again")
