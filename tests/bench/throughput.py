"""Appends by several processes at once on PostgreSQL: gap-safe positions must not cost the throughput.

Three sides take turns, a round each: ours by one process, ours by eight, and eight processes whose bare psycopg sends
the same statement, with fresh values of the same size, on a third ledger: it takes the same lock on the head row.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from tests.bench.append import appends
from tests.bench.bare_appends import bare, count_done
from tests.bench.claims import Benchmark, Claim, Goal, Reading
from tests.bench.hands import Hand, hands, together
from tests.bench.lives import make_identity
from tests.bench.raw import durability, rename_ledger
from tests.bench.stage import Stage

PROCESSES = 8


@contextmanager
def ours(url: str, name: str) -> Iterator[Callable[[float], tuple[int, float]]]:
    """Append through a store of this process's own."""
    store = SqlEventStore(open_database(url))
    works = appends(store, (make_identity(number, name) for number in itertools.count()))
    try:
        yield lambda seconds: count_done(works, seconds)
    finally:
        store.close()


def _rate(chosen: list[Hand], seconds: float) -> float:
    together(chosen, 0.0)
    return float(sum(done / taken for done, taken in together(chosen, seconds)))


def run(stage: Stage) -> Mapping[str, Reading]:
    """Take turns, a round each; a ratio is the median of the rounds' ratios."""
    seconds, rounds = (0.2, 1) if stage.quick else (0.7, 10)
    mine, recording, raw = (stage.new_store("postgres") for _ in range(3))
    rename_ledger(raw, recording.ledger_id)
    jobs = [(recording.database.url, raw.database.url, f"bare{number}") for number in range(PROCESSES)]
    rates: dict[str, list[float]] = {"one": [], "eight": [], "raw": []}
    with hands(ours, [(mine.database.url, f"ours{n}") for n in range(PROCESSES)]) as us, hands(bare, jobs) as them:
        sides = {"one": us[:1], "eight": us, "raw": them}
        for number in range(rounds + 1):
            for name, chosen in sides.items():
                rate = _rate(chosen, seconds)
                if number:  # the first round is the warm-up
                    rates[name].append(rate)
    one, eight, direct = (statistics.median(taken) for taken in rates.values())
    to_one, to_raw = (
        statistics.median(a / b for a, b in zip(rates["eight"], rates[other], strict=True)) for other in ("one", "raw")
    )
    positions = sum(1 for _ in mine.read_all())
    assert positions == mine.head_position(), "the positions have gaps"
    how = f"medians of {rounds} rounds, {durability(stage, mine)}"
    return {
        "append_8_vs_1": Reading(to_one, f"1 process: {one:.0f}/s, 8 processes: {eight:.0f}/s ({how})"),
        "append_8_vs_raw": Reading(
            to_raw, f"8 processes of bare psycopg, same statement: {direct:.0f}/s, ours {eight:.0f}/s"
        ),
    }


THROUGHPUT = Benchmark(
    "append_8",
    (Claim("append_8_vs_1", "x of one", Goal(">=", 0.9)), Claim("append_8_vs_raw", "x raw speed", Goal(">=", 0.6))),
    run,
)
