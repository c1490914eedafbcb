"""Which benchmarks there are, in the order they run. A new one is a module beside this one and a line here."""

from __future__ import annotations

from tests.bench import (
    acquire,
    append,
    command,
    contention,
    death_latency,
    feed_latency,
    get_many,
    history,
    live_streams,
    looking_back,
    lookup,
    sweep_docker,
    sweep_planning,
    sweep_stubborn,
    throughput,
    verify,
)
from tests.bench.claims import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    append.make("sqlite"),
    append.make("postgres"),
    command.make("sqlite", 1.5),
    command.make("postgres", 3.0),
    lookup.GET,
    lookup.KILL,
    acquire.ACQUIRE,
    sweep_planning.PLANNING,
    sweep_planning.make("sqlite"),
    sweep_planning.make("postgres"),
    sweep_docker.DOCKER,
    sweep_stubborn.STUBBORN,
    throughput.THROUGHPUT,
    feed_latency.make("sqlite"),
    feed_latency.make("postgres"),
    contention.make("sqlite"),
    contention.make("postgres"),
    get_many.make("sqlite"),
    get_many.make("postgres"),
    live_streams.make("sqlite"),
    live_streams.make("postgres"),
    death_latency.PROCESS,
    death_latency.KERNEL,
    death_latency.WATCH,
    # Last, because filling a ledger uses up what some virtual disks grant for short bursts.
    history.make("sqlite"),
    history.make("postgres"),
    looking_back.make("sqlite"),
    looking_back.make("postgres"),
    verify.make("sqlite"),
    verify.make("postgres"),
)
