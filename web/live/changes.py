"""What changed, as a hint: enough to know what to read again, and nothing to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provider.domain.log import RecordedEvent

EVERYTHING = "all"
MOST_IDS = 50
REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """What happened up to a position.

    `topics` are the kinds of streams (`sandbox`, `worker`, `ledger`), or `all` when that is not known any more;
    `sandbox_ids` are those that changed, none when they are too many to name.
    """

    position: int
    topics: frozenset[str]
    sandbox_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """The last changes behind `known_from`, in bounded memory."""

    known_from: int
    changes: tuple[Change, ...] = ()

    def plus(self, events: Iterable[RecordedEvent]) -> RecentChanges:
        """Add what these events changed."""
        longer = (*self.changes, *(_change(recorded) for recorded in events))
        forgotten = longer[:-REMEMBERED]
        return RecentChanges(forgotten[-1].position if forgotten else self.known_from, longer[-REMEMBERED:])

    def since(self, after: int, until: int) -> Change:
        """Sum up what changed behind a position."""
        if after < self.known_from:
            return Change(until, frozenset({EVERYTHING}))
        chosen = [change for change in self.changes if change.position > after]
        ids = frozenset[str]().union(*(change.sandbox_ids for change in chosen))
        topics = frozenset[str]().union(*(change.topics for change in chosen))
        return Change(until, topics or frozenset({EVERYTHING}), ids if len(ids) <= MOST_IDS else frozenset())


def _change(recorded: RecordedEvent) -> Change:
    topic, _, subject = recorded.stream.partition(":")
    ids = frozenset({subject}) if topic == "sandbox" else frozenset[str]()
    return Change(recorded.position, frozenset({topic}), ids)
