"""Metrics for Prometheus, read from the ledger when they are asked for: any number of servers say the same.

No label ever names a sandbox, a user or a container: each label has the few values that are listed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from flask import Response, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from provider.domain.errors import SandboxError
from provider.domain.events import EndReason
from provider.ports.reading.system import Totals
from web.route import Route
from web.services import Services, services

STATUSES = ("creating", "active", "warm", "evicting", "dead")


class LedgerCollector(Collector):
    """Reads the totals at every scrape. Without the ledger only `sandbox_ledger_up` is left, and says so."""

    def __init__(self, opened: Services) -> None:
        self._services = opened

    def describe(self) -> Iterable[Metric]:
        """Name nothing before the first scrape: the ledger may not be there."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Read the ledger."""
        settings = self._services.settings
        try:
            totals = self._services.reports.system.totals(settings.worker.lease_time)
        except SandboxError:
            yield _gauge("sandbox_ledger_up", "Whether the ledger could be read for this scrape", 0)
            return
        yield _gauge("sandbox_ledger_up", "Whether the ledger could be read for this scrape", 1)
        yield from _lives(totals)
        yield from _fleet(totals, settings.sandbox.replicas)
        yield from _operations(totals)


def metrics() -> ResponseReturnValue:
    """Answer a scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(services()))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


ROUTES = (Route(path="/metrics", endpoint="metrics", view=metrics, role="viewer"),)


def _lives(totals: Totals) -> Iterable[Metric]:
    yield _counter("sandbox_starts", "Sandbox containers that became ready", totals.starts)
    yield _counter("sandbox_start_failures", "Sandbox containers that never became ready", totals.start_failures)
    yield _counter("sandbox_restarts", "Starts of a second or later generation of a sandbox", totals.restarts)
    ends = CounterMetricFamily("sandbox_ends", "Sandbox containers taken out of use, by reason", labels=["reason"])
    for reason in get_args(EndReason):
        ends.add_metric([reason], totals.ends.get(reason, 0))
    yield ends
    yield SummaryMetricFamily(
        "sandbox_startup_seconds", "Time from the decision to start a sandbox until it was ready",
        count_value=totals.starts, sum_value=totals.startup_seconds,
    )  # fmt: skip
    yield SummaryMetricFamily(
        "sandbox_death_detection_seconds", "Time from the death of a container until the ledger knew of it",
        count_value=totals.detections, sum_value=totals.detection_seconds,
    )  # fmt: skip


def _fleet(totals: Totals, replicas: int) -> Iterable[Metric]:
    now = GaugeMetricFamily("sandbox_sandboxes", "Sandboxes by status, without those that are gone", labels=["status"])
    for status in STATUSES:
        now.add_metric([status], totals.statuses.get(status, 0))
    yield now
    yield _gauge("sandbox_live", "Sandboxes that count against the capacity", totals.live)
    yield _gauge("sandbox_capacity", "Live sandboxes allowed (sandbox.replicas of this server)", replicas)
    yield _gauge("sandbox_acquires_waiting", "Callers that wait for capacity", totals.waiting)
    yield _gauge("sandbox_removals_pending", "Ended containers that are not removed yet", totals.awaiting_removal)


def _operations(totals: Totals) -> Iterable[Metric]:
    yield _gauge("sandbox_workers_running", "Workers that have not ended", totals.workers_running)
    yield _gauge("sandbox_workers_silent", "Running workers without a heartbeat for a lease", totals.workers_silent)
    ended = CounterMetricFamily("sandbox_workers_ended", "Workers that have ended, by how", labels=["how"])
    ended.add_metric(["stopped"], totals.workers_stopped)
    ended.add_metric(["lost"], totals.workers_lost)
    yield ended
    sweeps = GaugeMetricFamily("sandbox_sweeps_kept", "Runs of the sweep still on record", labels=["outcome"])
    sweeps.add_metric(["finished"], totals.sweeps_finished)
    sweeps.add_metric(["failed"], totals.sweeps_failed)
    yield sweeps
    if totals.last_sweep_at is not None:
        at = totals.last_sweep_at.timestamp()
        yield _gauge("sandbox_last_sweep_timestamp_seconds", "When the last sweep finished, in Unix time", at)
    yield _counter("sandbox_ledger_events", "Events ever recorded", totals.events)
    yield _gauge("sandbox_ledger_position", "Position of the last event", totals.freshness.head_position)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
