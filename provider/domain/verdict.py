"""One sentence about the fleet: is it the sandboxes, since when, and why. Pure numbers in, a verdict out.

Trouble is looked for with a scan statistic (Kulldorff 1997): for every moment at which trouble began, the count since
then is weighed against what is normal for that long, by the logarithm of the likelihood ratio of two Poisson rates. The
moment with the most weight is since when; below `ENOUGH_WEIGHT`, or with fewer than `FEWEST` cases, it is no trouble.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Level = Literal["healthy", "degraded", "down", "unknown"]

FEWEST = 3
ENOUGH_WEIGHT = 4.5
LEAST_NORMAL_PER_HOUR = 0.5
"""Nobody knows a fleet so well that a normal rate below this could be told from it."""
QUIET = timedelta(minutes=10)
QUIET_GAPS = 3
"""Trouble is over when nothing happened for `QUIET`, and for this many of its own mean gaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What happened in one piece of the strip; `starts` became ready."""

    start_at: datetime
    seconds: int
    starts: int = 0
    start_failures: int = 0
    unexpected_ends: int = 0
    expected_ends: int = 0

    @property
    def end_at(self) -> datetime:
        """When the next one begins."""
        return self.start_at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """How many of the unexpected ends had this reason, on this image and host; None: died and not examined yet."""

    reason: str | None
    image: str
    host: str | None
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a verdict is made of. Rates are per hour, before the strip; None where nothing is known about before."""

    now: datetime
    buckets: Sequence[Bucket]
    normal_unexpected_ends: float | None
    normal_start_failures: float | None
    reasons: Sequence[Reason]
    last_sweep_at: datetime | None
    sweep_interval_seconds: float
    workers_running: int
    workers_silent: int
    last_start_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the fleet is. `since` is when the trouble began.

    `times_normal` is None where next to nothing is normal, or nothing is known about it.
    """

    level: Level
    sentence: str
    since: datetime | None = None
    count: int = 0
    times_normal: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Cases in a row of buckets, from the first bucket with one on to now."""

    since: datetime
    count: int
    expected: float
    weight: float
    last_at: datetime


def unavailable(error: str) -> Verdict:
    """Return that nothing can be said: the ledger cannot be read."""
    return Verdict(level="unknown", sentence=f"Unknown: the ledger cannot be read ({error})")


def distrusted(breach: str) -> Verdict:
    """Return that what the ledger says is not to be trusted, and why."""
    return Verdict(level="unknown", sentence=f"Unknown: {breach} (`sandbox-ledger verify` tells more)")


def reach_verdict(signals: Signals) -> Verdict:
    """Judge the fleet. What is seen to be wrong counts first; what cannot be seen is never healthy."""
    ends = _find_run(signals, "unexpected_ends", signals.normal_unexpected_ends)
    failures = _find_run(signals, "start_failures", signals.normal_start_failures)
    if failures is not None and not _is_over(failures, signals.now) and not _started_since(signals, failures.since):
        return _down(signals, failures)
    runs = [(run, what) for run, what in ((ends, "unexpected ends"), (failures, "failed starts")) if run is not None]
    present = [(run, what) for run, what in runs if not _is_over(run, signals.now)]
    if present:
        return _degraded(signals, *max(present, key=lambda one: one[0].weight))
    blind = _blindness(signals)
    if blind is not None:
        return Verdict(level="unknown", sentence=f"Unknown: {blind}")
    return _healthy(signals, [run for run, _ in runs])


def _find_run(signals: Signals, name: str, normal: float | None) -> Run | None:
    """Find the beginning that stands out most."""
    per_hour = max(normal or 0.0, LEAST_NORMAL_PER_HOUR)
    runs = [run for run in _runs(signals, name, per_hour) if run.count >= FEWEST and run.weight >= ENOUGH_WEIGHT]
    return max(runs, key=lambda run: run.weight, default=None)


def _runs(signals: Signals, name: str, per_hour: float) -> Iterator[Run]:
    count, last_at = 0, None
    for bucket in reversed(signals.buckets):
        cases = getattr(bucket, name)
        if cases:
            count += cases
            last_at = last_at or min(bucket.end_at, signals.now)
            hours = max((signals.now - bucket.start_at).total_seconds(), bucket.seconds) / 3600
            expected = per_hour * hours
            yield Run(bucket.start_at, count, expected, _weight(count, expected), last_at)


def _weight(count: int, expected: float) -> float:
    return count * math.log(count / expected) - (count - expected) if count > expected else 0.0


def _is_over(run: Run, now: datetime) -> bool:
    gap = (run.last_at - run.since) / run.count
    return now - run.last_at >= max(QUIET, QUIET_GAPS * gap)


def _started_since(signals: Signals, since: datetime) -> bool:
    return any(bucket.starts for bucket in signals.buckets if bucket.start_at >= since)


def _down(signals: Signals, run: Run) -> Verdict:
    because = f"; the last error: {signals.last_start_error}" if signals.last_start_error else ""
    sentence = f"Down since {_clock(signals, run.since)}: none of {run.count} starts succeeded{because}"
    times = _times_normal(run, signals.normal_start_failures)
    return Verdict(level="down", sentence=sentence, since=run.since, count=run.count, times_normal=times)


def _degraded(signals: Signals, run: Run, what: str) -> Verdict:
    normal = signals.normal_unexpected_ends if what == "unexpected ends" else signals.normal_start_failures
    times = _times_normal(run, normal)
    parts = [f"{run.count} {what}{_compared(times, normal)}"]
    if what == "unexpected ends":
        parts += _dominant(signals.reasons)
    elif signals.last_start_error:
        parts.append(f"the last error: {signals.last_start_error}")
    blind = _blindness(signals)
    if blind is not None:
        parts.append(f"and {blind}")
    sentence = f"Degraded since {_clock(signals, run.since)}: {'; '.join(parts)}"
    return Verdict(level="degraded", sentence=sentence, since=run.since, count=run.count, times_normal=times)


def _times_normal(run: Run, normal: float | None) -> float | None:
    return run.count / run.expected if normal is not None and normal >= LEAST_NORMAL_PER_HOUR else None


def _compared(times: float | None, normal: float | None) -> str:
    if times is None:
        return " where there are next to none normally" if normal is not None else ""
    return f", {times:.0f}\u00d7 normal" if times >= 2 else f", {times:.1f}\u00d7 normal"


def _blindness(signals: Signals) -> str | None:
    """Return what keeps the ledger from knowing; None when it knows."""
    allowed = timedelta(seconds=max(3 * signals.sweep_interval_seconds, 60.0))
    if signals.last_sweep_at is None:
        return "no sweep has ever finished, so deaths may be missing here (does `sandbox-ledger up` run?)"
    if signals.now - signals.last_sweep_at > allowed:
        return (
            f"no sweep has finished since {_clock(signals, signals.last_sweep_at)}, so deaths may be missing here "
            "(does `sandbox-ledger up` run?)"
        )
    if signals.workers_running and signals.workers_silent >= signals.workers_running:
        running = signals.workers_running
        return "the only worker shows no sign of life" if running == 1 else f"none of {running} workers shows life"
    return None


def _healthy(signals: Signals, over: list[Run]) -> Verdict:
    if over:
        run = max(over, key=lambda one: one.weight)
        sentence = (
            f"Healthy again: {run.count} cases from {_clock(signals, run.since)} to {_clock(signals, run.last_at)}, "
            "none since"
        )
        return Verdict(level="healthy", sentence=sentence, count=run.count)
    ends = sum(bucket.unexpected_ends for bucket in signals.buckets)
    failures = sum(bucket.start_failures for bucket in signals.buckets)
    seen = [_plural(ends, "unexpected end"), _plural(failures, "failed start")]
    hours = sum(bucket.seconds for bucket in signals.buckets) / 3600
    span = "hour" if round(hours) == 1 else f"{hours:.3g} hours"
    return Verdict(level="healthy", sentence=f"Healthy: {' and '.join(seen)} in the last {span}", count=ends)


def _dominant(reasons: Sequence[Reason]) -> list[str]:
    """Return the reason and image that make up at least half of the ends."""
    counts: dict[tuple[str | None, str], int] = {}
    for one in reasons:
        counts[one.reason, one.image] = counts.get((one.reason, one.image), 0) + one.count
    total = sum(counts.values())
    if not total:
        return []
    (reason, image), count = max(counts.items(), key=lambda item: item[1])
    named = {
        "oom": "out of memory",
        "crashed": "crashed",
        "lost_worker": "lost with their worker",
        None: "not examined",
    }
    return [f"{count} {named.get(reason, str(reason))} on image {image}"] if 2 * count >= total else []


def _plural(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}" + ("" if count == 1 else "s")


def _clock(signals: Signals, moment: datetime) -> str:
    """Write a moment as short as it is clear."""
    return f"{moment:%H:%M} UTC" if signals.now - moment < timedelta(hours=12) else f"{moment:%Y-%m-%d %H:%M} UTC"
