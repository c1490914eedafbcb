"""The read side: what the command line and the dashboard tell. Reads the ledger, never the engine; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from provider.domain.archives import ArchiveRow
from provider.domain.errors import InvalidIdError, SandboxNotFound
from provider.domain.events import SandboxAcquired
from provider.domain.ids import check_name, derive_sandbox_id, is_sandbox_id, sandbox_stream
from provider.domain.log import RecordedEvent
from provider.domain.state import Generation
from provider.ports.log import ChangeFeed, EventStore
from provider.ports.reading.queries import LedgerQueries
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.endings import Ending, choose_ended, describe_ending, generation_of

LIVE_STATUSES = ("creating", "active", "warm", "evicting")
STATUSES = (*LIVE_STATUSES, "dead", "gone", "absent")
PAGE = 500
SHORTEST_PREFIX = 4

_DIGITS = re.compile(r"[0-9a-f]{1,15}")


class Insights:
    """Answers questions about the ledger. Safe from any thread; may raise `StoreUnavailable` and `CorruptLogError`."""

    def __init__(self, store: EventStore, queries: LedgerQueries, make_feed: Callable[[], ChangeFeed]) -> None:
        self._store = store
        self._queries = queries
        self._make_feed = make_feed

    def now(self) -> datetime:
        """Return the database's time: ages are counted from it."""
        return self._store.now()

    def each_sandbox(
        self, statuses: Sequence[str] | None = LIVE_STATUSES, *, page_size: int = PAGE
    ) -> Iterator[SandboxRecord]:
        """Go through all sandboxes, the newest first, page by page."""
        after = None
        while page := self._queries.list_sandboxes(statuses, after, page_size):
            yield from page
            after = (page[-1].created_at, page[-1].sandbox_id)

    def find(
        self, reference: str, user_id: str | None = None, *, shortest_prefix: int = SHORTEST_PREFIX
    ) -> SandboxRecord | None:
        """Find a sandbox by its id, by its thread, or by the first digits of its id, in this order.

        With a user, `reference` is a thread. Raise `InvalidIdError` when several ids start with these digits.
        """
        if user_id is None and is_sandbox_id(reference):
            found = self.find_by_id(reference)
            if found is not None:
                return found
        thread = str(check_name("thread_id", reference))
        found = self.find_by_id(derive_sandbox_id(check_name("user_id", user_id), thread))
        if found is not None or user_id is not None:
            return found
        return _find_by_digits(self._queries, reference, shortest_prefix)

    def find_by_id(self, sandbox_id: str) -> SandboxRecord | None:
        """Find a sandbox by its whole id."""
        return self._queries.find_sandbox(sandbox_id)

    def get(self, reference: str, user_id: str | None = None) -> SandboxRecord:
        """Find a sandbox, or raise `SandboxNotFound`."""
        found = self.find(reference, user_id)
        if found is None:
            raise SandboxNotFound(reference)
        return found

    def list_generations(self, sandbox_id: str) -> Sequence[Generation]:
        """List all containers a sandbox ever had, the oldest first."""
        return self._queries.list_generations(sandbox_id)

    def history(self, sandbox_id: str) -> Sequence[RecordedEvent]:
        """Read everything that happened to a sandbox; every event is checked against the hash chain."""
        return list(self._store.read_stream(sandbox_stream(sandbox_id)))

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives that hold the oldest part of the log, the oldest first."""
        return self._queries.list_archives()

    def position_at(self, moment: datetime) -> int:
        """Return the position of the last event recorded before a moment; 0 when there is none."""
        return self._queries.find_position_before(moment)

    def find_ending(self, sandbox: SandboxRecord, number: int | None = None) -> Ending | None:
        """Find out how a generation ended, by default the newest one that did; None when it did not end."""
        generation = (
            self._queries.find_last_ended(sandbox.sandbox_id)
            if number is None
            else choose_ended(self.list_generations(sandbox.sandbox_id), number)
        )
        if generation is None:
            return None
        return describe_ending(sandbox, generation, self.history(sandbox.sandbox_id))

    def head_position(self) -> int:
        """Return the position of the last event."""
        return self._queries.head_position()

    def start_of(self, after: int, since: datetime | None) -> int:
        """Return behind which position to read on for what came `after` a position and `since` a moment."""
        return after if since is None else max(after, self._queries.find_position_before(since))

    def events(
        self,
        after: int = 0,
        types: frozenset[str] = frozenset(),
        *,
        until: datetime | None = None,
        sandbox_id: str | None = None,
    ) -> Iterator[RecordedEvent]:
        """Read the log behind a position, checked and in order, a page at a time.

        `types` chooses from it, none means all; `until` ends it before a moment; `sandbox_id` takes one sandbox only.
        """
        log = self._store
        source = log.read_all(after) if sandbox_id is None else log.read_stream(sandbox_stream(sandbox_id))
        for recorded in source:
            if until is not None and recorded.recorded_at >= until:
                return  # times never go back along the log
            if recorded.position > after and (not types or recorded.event.type in types):
                yield recorded

    def feed(self) -> ChangeFeed:
        """Return what follows the log as it grows: every event once, in order, across every outage of the database."""
        return self._make_feed()

    def close(self) -> None:
        """Close all connections."""
        self._store.close()


def is_first_use(history: Sequence[RecordedEvent], generation: int) -> bool:
    """Return whether a generation was acquired only once so far, by the sandbox's history."""
    uses = [one for one in history if isinstance(one.event, SandboxAcquired) and generation_of(one) == generation]
    return len(uses) <= 1


def _find_by_digits(queries: LedgerQueries, digits: str, shortest: int) -> SandboxRecord | None:
    if len(digits) < shortest or not _DIGITS.fullmatch(digits):
        return None
    ids = queries.list_ids(digits, 3)
    if len(ids) > 1:
        raise InvalidIdError(f"sandbox id {digits}: {', '.join(ids)} start with it; give more digits")
    return queries.find_sandbox(ids[0]) if ids else None
