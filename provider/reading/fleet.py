"""How the fleet is doing now: what was read, and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable

from provider.config.settings import Settings
from provider.domain.sweeps import SWEEP_LEASE
from provider.domain.verdict import Signals, Verdict, distrusted, reach_verdict
from provider.ports.reading.fleet import FleetReading, Freshness, Overview
from provider.ports.reading.queries import FleetQueries

WINDOW_SECONDS = 3600
BUCKET_SECONDS = 60
BASELINE_SECONDS = 24 * 3600


class Fleet:
    """Answers the first page. Safe from any thread; raises `StoreUnavailable`.

    `find_breach` says why the log is not to be trusted, None when nothing says so.
    """

    def __init__(self, queries: FleetQueries, find_breach: Callable[[], str | None], settings: Settings) -> None:
        self._queries = queries
        self._find_breach = find_breach
        self._settings = settings

    def freshness(self) -> Freshness:
        """Return the database's time and the last event. Cheap enough for every request."""
        return self._queries.freshness()

    def overview(self) -> Overview:
        """Read how the fleet is doing, and judge it."""
        reading = self._queries.read_fleet(
            window_seconds=WINDOW_SECONDS,
            bucket_seconds=BUCKET_SECONDS,
            baseline_seconds=BASELINE_SECONDS,
            lease_seconds=self._settings.worker.lease_time,
            lease=SWEEP_LEASE,
        )
        return Overview(verdict=self._judge(reading), replicas=self._settings.sandbox.replicas, reading=reading)

    def _judge(self, reading: FleetReading) -> Verdict:
        breach = self._find_breach()
        if breach is not None:
            return distrusted(breach)
        known_hours = _hours_known(reading)
        return reach_verdict(
            Signals(
                now=reading.freshness.now,
                buckets=reading.strip,
                normal_unexpected_ends=_per_hour(reading.baseline.unexpected_ends, known_hours),
                normal_start_failures=_per_hour(reading.baseline.start_failures, known_hours),
                reasons=reading.top_reasons,
                last_sweep_at=reading.last_good_sweep_at,
                sweep_interval_seconds=self._settings.sweeper.interval,
                workers_running=reading.workers.running,
                workers_silent=reading.workers.silent,
                last_start_error=reading.last_start_error,
            )
        )


def _hours_known(reading: FleetReading) -> float:
    """Return for how much of the baseline the ledger existed: a young one has no normal rate yet."""
    begun = max(reading.baseline.since, reading.begun_at)
    return max(0.0, (reading.baseline.until - begun).total_seconds() / 3600)


def _per_hour(count: int, hours: float) -> float | None:
    return count / hours if hours >= 1 else None
