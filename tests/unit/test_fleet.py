"""What counts as normal for a fleet, and for one whose ledger is too young to say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provider.config.settings import Settings
from provider.domain.verdict import Bucket
from provider.ports.reading.fleet import FleetReading, Freshness, Tally, Workers
from provider.reading.fleet import Fleet

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
HOUR_AGO = NOW - timedelta(hours=1)


class Queries:
    """A ledger made some hours before the last one, with 20 unexpected ends in the last hour and 24 before it."""

    def __init__(self, hours: float) -> None:
        self._begun_at = HOUR_AGO - timedelta(hours=hours)

    def freshness(self) -> Freshness:
        return Freshness(ledger_id="l", now=NOW, head_position=1, recorded_at=NOW)

    def read_fleet(self, **_: object) -> FleetReading:
        day = Tally(since=HOUR_AGO - timedelta(days=1), until=HOUR_AGO, unexpected_ends=24)
        return FleetReading(
            freshness=self.freshness(), begun_at=self._begun_at, statuses={}, live=0,
            current=Tally(since=HOUR_AGO, until=NOW, unexpected_ends=20), before=day, baseline=day,
            strip=(Bucket(start_at=HOUR_AGO, seconds=3600, unexpected_ends=20),),
            marks=(), top_reasons=(), workers=Workers(running=1, silent=0, silent_workers=()), last_sweep=None,
            last_good_sweep_at=NOW, leader=None, latest=(),
        )  # fmt: skip


@pytest.mark.parametrize(("hours", "normal"), [(0.9, None), (4.8, "4\u00d7 normal"), (100, "20\u00d7 normal")])
def test_the_normal_rate_is_counted_from_the_ledgers_beginning(hours: float, normal: str | None) -> None:
    verdict = Fleet(Queries(hours), lambda: None, Settings()).overview().verdict
    assert verdict.level == "degraded"
    assert ("normal" in verdict.sentence) == (normal is not None)
    assert (normal or "20 unexpected ends") in verdict.sentence


def test_a_log_that_is_not_the_one_that_was_sealed_says_nothing_else() -> None:
    verdict = Fleet(Queries(100), lambda: "the log was rewritten", Settings()).overview().verdict
    assert (verdict.level, "the log was rewritten" in verdict.sentence) == ("unknown", True)
