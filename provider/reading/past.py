"""The ledger as it was at a moment: every answer is the fold of what had been recorded by then.

The command line, the API and the pages all ask here, so that they never differ. Most sandboxes need no folding: one to
which nothing happened since is as it was. Times of last use are no part of the log, so nobody can tell them afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from provider.domain.archives import ArchiveRow
from provider.domain.errors import InvalidPositionError, SandboxNotFound
from provider.domain.ids import sandbox_stream
from provider.domain.log import RecordedEvent, format_timestamp
from provider.domain.state import Generation, SandboxState, Stamp, evolve, settled
from provider.domain.times import AsOf
from provider.ports.reading.queries import PastQueries
from provider.ports.reading.sandboxes import SandboxAsOf, SandboxRecord
from provider.reading.endings import Ending, choose_ended, describe_ending
from provider.reading.insights import LIVE_STATUSES, Insights

CHUNK = 200


class Past:
    """The read side at one moment. Safe from any thread; what is appended meanwhile changes no answer."""

    def __init__(self, insights: Insights, queries: PastQueries, position: int, moment: datetime) -> None:
        self._insights = insights
        self._queries = queries
        self._moment = moment
        self.position = position

    def now(self) -> datetime:
        """Return the moment: ages are counted from it."""
        return self._moment

    def each_sandbox(self, statuses: Sequence[str] | None = LIVE_STATUSES) -> Iterator[SandboxRecord]:
        """Go through the sandboxes that there were, the newest first."""
        # Only what has a container can be live: everything else that ever existed need not be looked at then.
        with_container = statuses is not None and set(statuses) <= set(LIVE_STATUSES)
        ids = self._queries.list_ids_at(self._moment, with_container=with_container)
        for start in range(0, len(ids), CHUNK):
            for record in self._read(ids[start : start + CHUNK]):
                if statuses is None or record.status in statuses:
                    yield record

    def get(self, reference: str, user_id: str | None = None) -> SandboxRecord:
        """Find a sandbox as it was; raise `SandboxNotFound` for one that did not exist yet."""
        return record_of(self.read(self._insights.get(reference, user_id).sandbox_id).state)

    def read(self, sandbox_id: str) -> SandboxAsOf:
        """Read one sandbox as it was, with its containers; raise `SandboxNotFound` for one that did not exist yet."""
        then = self._fold(sandbox_id)
        if then.state.version == 0:
            raise SandboxNotFound(f"{sandbox_id} (at {format_timestamp(self._moment)})")
        return then

    def list_archives(self) -> Sequence[ArchiveRow]:
        """List the archives that hold the oldest part of the log, as of today."""
        return self._insights.list_archives()

    def list_generations(self, sandbox_id: str) -> Sequence[Generation]:
        """List the containers a sandbox had had by then, the oldest first."""
        return self._fold(sandbox_id).generations

    def history(self, sandbox_id: str) -> Sequence[RecordedEvent]:
        """Read what had happened to a sandbox by then."""
        return [one for one in self._insights.history(sandbox_id) if one.position <= self.position]

    def find_ending(self, sandbox: SandboxRecord, number: int | None = None) -> Ending | None:
        """Find out how a generation had ended by then, by default the newest that had; None when it had not."""
        chosen = choose_ended(self.list_generations(sandbox.sandbox_id), number)
        return describe_ending(sandbox, chosen, self.history(sandbox.sandbox_id)) if chosen is not None else None

    def close(self) -> None:
        """Close all connections."""
        self._insights.close()

    def _fold(self, sandbox_id: str) -> SandboxAsOf:
        history = self._insights.history(sandbox_id)
        return fold_as_of(sandbox_id, self.position, history, find_start(self._queries, sandbox_id, history))

    def _read(self, sandbox_ids: Sequence[str]) -> Iterator[SandboxRecord]:
        unchanged = self._queries.read_unchanged_since(self._moment, sandbox_ids)
        changed = [one for one in sandbox_ids if one not in unchanged]
        folded = self._fold_all(changed) if changed else {}
        for one in sandbox_ids:
            if one in unchanged:
                yield replace(unchanged[one], last_activity_at=None)
            elif folded[one].version:
                yield record_of(folded[one])

    def _fold_all(self, sandbox_ids: Sequence[str]) -> Mapping[str, SandboxState]:
        archived = self._queries.read_archived(sandbox_ids)
        after = {sandbox_stream(one): archived[one].state.version if one in archived else 0 for one in sandbox_ids}
        histories = self._queries.read_streams(after, self.position)
        return {
            one: fold_as_of(one, self.position, histories.get(sandbox_stream(one), ()), archived.get(one)).state
            for one in sandbox_ids
        }


def find_start(queries: PastQueries, sandbox_id: str, history: Sequence[RecordedEvent]) -> SandboxAsOf | None:
    """Find what a sandbox's archived events add up to, given those that are still in the database.

    None where none was archived. Asked after the history was read: what is archived in between is in both.
    """
    if history and history[0].version == 1:
        return None
    return queries.read_archived([sandbox_id]).get(sandbox_id)


def fold_history(
    sandbox_id: str, history: Iterable[RecordedEvent], start: SandboxAsOf | None = None
) -> Iterator[SandboxAsOf]:
    """Fold a sandbox's own events, in order: first the sandbox before them, then as it was after each.

    `start` is what the events before them add up to, where those were archived; none of these is folded again.
    """
    then = start
    if then is None:
        then = SandboxAsOf(position=0, recorded_at=None, state=SandboxState(sandbox_id=sandbox_id), generations=())
    yield then
    for recorded in history:
        if recorded.version > then.state.version:
            then = _fold_one(then, recorded)
            yield then


def fold_as_of(
    sandbox_id: str, position: int, history: Iterable[RecordedEvent], start: SandboxAsOf | None = None
) -> SandboxAsOf:
    """Fold a sandbox's own events up to a position; what comes later is not read."""
    *_, then = fold_history(sandbox_id, takewhile(lambda one: one.position <= position, history), start)
    return replace(then, position=position)


def look_back(insights: Insights, queries: PastQueries, as_of: AsOf) -> Past:
    """Return the ledger as of a moment, an age, or a position; raise `InvalidPositionError` for one it never had."""
    if isinstance(as_of, int):
        return Past(insights, queries, as_of, _time_of(insights, queries, as_of))
    moment = insights.now() - as_of if isinstance(as_of, timedelta) else as_of
    base = _last_archive(insights)
    if base is not None and moment < base.through_recorded_at:
        raise _archived(format_timestamp(moment), base)
    # What was recorded at the very moment belongs to it.
    return Past(insights, queries, insights.position_at(moment + timedelta(microseconds=1)), moment)


def record_of(state: SandboxState) -> SandboxRecord:
    """Write a folded state as a row of `sandboxes`."""
    current = state.current if state.is_live else None
    if state.created_at is None or state.updated_at is None:
        raise ValueError(f"sandbox {state.sandbox_id} has no events: it has no row")
    return SandboxRecord(
        sandbox_id=state.sandbox_id, user_id=state.user_id, thread_id=state.thread_id, status=state.status,
        generation=state.generation, holders=state.holders,
        container_id=current.container_id if current else None, url=current.url if current else None,
        retry_at=state.retry_at, created_at=state.created_at, updated_at=state.updated_at, version=state.version,
        last_activity_at=None,
        crashes=tuple((format_timestamp(crash.at), crash.uptime_seconds) for crash in state.crashes),
    )  # fmt: skip


def _fold_one(before: SandboxAsOf, recorded: RecordedEvent) -> SandboxAsOf:
    stamp = Stamp(position=recorded.position, recorded_at=recorded.recorded_at)
    state = evolve(before.state, recorded.event, stamp)
    generations = {one.number: one for one in (*before.generations, *state.generations)}
    return SandboxAsOf(
        position=recorded.position, recorded_at=recorded.recorded_at, state=settled(state),
        generations=tuple(generations[number] for number in sorted(generations)),
    )  # fmt: skip


def _time_of(insights: Insights, queries: PastQueries, position: int) -> datetime:
    base = _last_archive(insights)
    if base is not None and position <= base.through.position:
        if position == base.through.position:
            return base.through_recorded_at
        raise _archived(f"position {position}", base)
    found = queries.find_time_of(position)
    if found is None:
        head = insights.head_position()
        raise InvalidPositionError(f"position {position}: the log ends with {head}; give one before it, or a time")
    return found


def _last_archive(insights: Insights) -> ArchiveRow | None:
    return next(reversed(insights.list_archives()), None)


def _archived(then: str, base: ArchiveRow) -> InvalidPositionError:
    begins = f"the log in the database begins behind event {base.through.position}"
    told = f"{then}: {begins}, those before are in {base.bundle}"
    return InvalidPositionError(f"{told}; import the archives into an empty ledger, and ask there")
