"""One command (load, decide, append) against one of the `eventsourcing` library (load, call, save).

A sandbox is started and then released and taken in turn until its stream has 20 events. Ours goes through
`Worker.commit`, as every use case does, and keeps projections and a hash chain up to date, which theirs does not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from provider.bootstrap.workers import make_worker
from provider.config.settings import Settings
from provider.domain import decisions
from provider.domain.events import Event
from provider.domain.state import SandboxState
from provider.runtime.worker.guarded_engine import GuardedEngine
from provider.store.log.event_store import SqlEventStore
from provider.testing import FakeBackend
from tests.bench.append import Walk
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.lives import WORKER, make_identity, start
from tests.bench.raw import durability
from tests.bench.stage import Stage
from tests.bench.timing import Work, in_words, median, take_turns

TURNS = 16
"""Commands on one stream, after the 4 events of its start."""


def turn(state: SandboxState) -> Sequence[Event]:
    """Release what is held, hold what is not."""
    return decisions.decide_release(state, WORKER) or decisions.decide_hold(state, WORKER)


def ours(store: SqlEventStore) -> Iterator[Work]:
    """Run commands on one sandbox after the other."""
    worker = make_worker(Settings(), store, GuardedEngine(FakeBackend()))
    for number in itertools.count():
        who = make_identity(number)
        walk = Walk(store, who)
        for step in start(who):
            walk.prepare(step)()
        for _ in range(TURNS):
            yield lambda id_=who.sandbox_id: worker.commit(id_, turn, worker.author())  # type: ignore[misc]


def theirs(stage: Stage, dialect: str, *, functions: bool) -> Iterator[Work]:
    """Run the same commands by the other library."""
    # Imported here, so that the rest can be measured without the library.
    from tests.bench.aggregate import sandboxes

    with sandboxes(stage, dialect, functions=functions) as application:
        for number in itertools.count():
            id_ = application.begin(make_identity(number))
            for _ in range(TURNS):
                yield lambda id_=id_: application.turn(id_)  # type: ignore[misc]


def run(stage: Stage, dialect: str) -> Mapping[str, Reading]:
    """Take turns, one command each."""
    streams = 3 if stage.quick else 50
    store = stage.new_store(dialect)
    others = [theirs(stage, dialect, functions=False)]
    if dialect == "postgres":
        others.append(theirs(stage, dialect, functions=True))
    taken = take_turns(streams * TURNS, ours(store), *others, warm_up=2 * TURNS)
    for side in others:
        side.close()  # type: ignore[attr-defined]
    mine, *rest = (median(samples) for samples in taken)
    names = (f"command_{dialect}", f"command_{dialect}_functions")
    how = ("", " with its stored functions")
    return {
        name: Reading(
            other / mine, f"eventsourcing{text}: {in_words(other)}, ours {in_words(mine)} ({durability(stage, store)})"
        )
        for name, text, other in zip(names, how, rest, strict=False)
    }


def make(dialect: str, bound: float) -> Benchmark:
    """Make the benchmark for one kind of database."""
    claims = [Claim(f"command_{dialect}", "x faster", Goal(">=", bound))]
    if dialect == "postgres":
        claims.append(Claim("command_postgres_functions", "x faster"))
    return Benchmark(f"command_{dialect}", tuple(claims), lambda stage: run(stage, dialect))
