"""An append with its projections, against the bare driver sending the very same statements.

A second store of the same kind is recorded while it goes through the same lives; the bare driver then replays the
recording, values and hashes included, on a third database. So the difference is what Python does around the driver.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from provider.domain.ids import sandbox_stream
from provider.domain.log import Author
from provider.domain.state import SandboxState
from provider.store.log.event_store import SqlEventStore
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.lives import WORKER, Identity, Step, make_identity, whole_life
from tests.bench.raw import durability, open_cursor, rename_ledger
from tests.bench.recording import Sent, recorded, replay
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median_of_groups, take_turns

SEEN_AT = datetime(2025, 1, 1, tzinfo=UTC)
CORRELATION = "0d9d5a3c-58f1-4a0c-9f0b-0f6f6a4f2b11"
STEPS = len(whole_life(make_identity(0)))


def appends(store: SqlEventStore, identities: Iterator[Identity]) -> Iterator[Work]:
    """Walk through lives, one append at a time; deciding is not part of the work."""
    for who in identities:
        steps = iter(whole_life(who))
        walk = Walk(store, who)
        yield from (walk.prepare(step) for step in steps)


class Walk:
    """One sandbox on its way, with the state that the last append returned."""

    def __init__(self, store: SqlEventStore, who: Identity) -> None:
        self._store = store
        self._stream = sandbox_stream(who.sandbox_id)
        self._state = SandboxState(sandbox_id=who.sandbox_id)
        self._author = Author(f"worker:{WORKER}", CORRELATION)

    def prepare(self, step: Step) -> Work:
        """Decide, and return the append."""
        state = self._state
        events = step(state, SEEN_AT)

        def work() -> None:
            after = self._store.append(self._stream, state.version, events, self._author, state=state).state
            assert after is not None
            self._state = after

        return work


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Take turns: one append of ours, the same one by the bare driver."""
    lives = 3 if stage.quick else 60
    warm_up = 1 if stage.quick else 5
    ours, bare = stage.new_store(dialect), stage.new_store(dialect)
    ledger_id, recording = _record(stage, dialect, warm_up + lives)
    rename_ledger(bare, ledger_id)
    cursor = open_cursor(stage, bare, recording[0][0].cursor)
    sides = (
        appends(ours, (make_identity(number) for number in itertools.count())),
        (lambda sent=sent: replay(cursor, sent) for sent in recording),
    )
    taken = take_turns(lives * STEPS, *sides, warm_up=warm_up * STEPS)
    assert ours.head_position() == bare.head_position() == 20 * (warm_up + lives)
    mine, theirs = (median_of_groups(samples, STEPS) / STEPS for samples in taken)
    driver = "pysqlite3" if dialect == "sqlite" else "psycopg"
    against = f"{driver}, same statements: {in_words(theirs)}, ours {in_words(mine)} ({durability(stage, ours)})"
    return {f"append_{dialect}": Reading(theirs / mine, against)}


def _record(stage: Stage, dialect: str, lives: int) -> tuple[str, list[list[Sent]]]:
    store = stage.new_store(dialect)
    ledger_id = store.ledger_id
    lives_sent = []
    with recorded(store) as sent:
        for work in appends(store, (make_identity(number) for number in range(lives))):
            work()
            lives_sent.append(list(sent))
            sent.clear()
    return ledger_id, lives_sent


def make(dialect: str) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claim = Claim(f"append_{dialect}", "x raw speed", Goal(">=", 0.6))
    return Benchmark(f"append_{dialect}", (claim,), lambda stage: run(stage, dialect))
