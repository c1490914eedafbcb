"""Which benchmarks there are, in the order they run. A new one is a module beside this one and a line here."""

from __future__ import annotations

from tests.bench import acquire, append, command, history, lookup
from tests.bench.claims import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    append.make("sqlite"),
    append.make("postgres"),
    command.make("sqlite", 1.5),
    command.make("postgres", 3.0),
    lookup.GET,
    lookup.KILL,
    acquire.ACQUIRE,
    # Last, because filling a ledger uses up what some virtual disks grant for short bursts.
    history.make("sqlite"),
    history.make("postgres"),
)
