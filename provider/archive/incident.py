"""Extracts: one sandbox or a span of time in a bundle that can be read by itself, to look into an incident."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from provider.archive.bundle_file import write_bundle
from provider.domain.archives import Baseline, LedgerOrigin
from provider.domain.bundles import BundleHeader, BundleManifest, LinkedEvent
from provider.domain.errors import BundleError
from provider.domain.extracts import Selection, describe_extract, streams_of
from provider.domain.log import ChainPoint
from provider.domain.seals import SealKey
from provider.reading.insights import Insights


class ExtractSource(Protocol):
    """The log that an extract is taken from. Safe from any thread; raises `StoreUnavailable` and `CorruptLogError`."""

    def describe_ledger(self) -> LedgerOrigin:
        """Return which ledger it is."""

    def point_at(self, position: int) -> ChainPoint:
        """Return the hash of an event."""

    def time_at(self, position: int) -> datetime:
        """Return when an event was recorded; for position 0, when the ledger was made."""

    def make_baseline(
        self, through: int, progress: Callable[[int], None] | None = None, *, only: Collection[str] | None = None
    ) -> Baseline:
        """Fold the log up to a position, of all streams or only of these."""

    def read_selection(self, selection: Selection) -> Iterator[LinkedEvent]:
        """Read the raw events that are chosen, each one checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRequest:
    """What an operator asks for: a sandbox (by whatever name people use), a span of time, or both."""

    sandbox: str | None = None
    user_id: str | None = None
    since: datetime | timedelta | None = None
    until: datetime | timedelta | None = None


def choose(insights: Insights, base: ChainPoint, wanted: IncidentRequest) -> Selection:
    """Turn the question into positions and streams; what is archived is left out."""
    now = insights.now()
    since, until = (now - one if isinstance(one, timedelta) else one for one in (wanted.since, wanted.until))
    streams = None
    if wanted.sandbox is not None:
        sandbox_id = insights.get(wanted.sandbox, wanted.user_id).sandbox_id
        streams = streams_of(sandbox_id, insights.history(sandbox_id))
    return Selection(
        after=base.position if since is None else max(base.position, insights.position_at(since)),
        through=insights.head_position() if until is None else insights.position_at(until),
        streams=streams,
    )


def write_extract(
    source: ExtractSource,
    selection: Selection,
    path: Path,
    key: SealKey | None,
    *,
    replace: bool = False,
    progress: Callable[[int], None] | None = None,
) -> BundleManifest:
    """Write what is chosen, with what came before it as a baseline; raise `BundleError` when nothing is chosen."""
    origin = source.describe_ledger()
    baseline = source.make_baseline(selection.after, progress, only=selection.streams)
    header = BundleHeader(
        ledger_id=origin.ledger_id, ledger_created_at=origin.created_at, made_at=origin.now,
        after=source.point_at(selection.after),
        extract=describe_extract(selection, baseline, source.time_at(selection.after)),
    )  # fmt: skip
    chosen = _at_least_one(source.read_selection(selection), path)
    return write_bundle(path, header, chosen, key, replace=replace)


def _at_least_one(chosen: Iterator[LinkedEvent], path: Path) -> Iterator[LinkedEvent]:
    first = next(chosen, None)
    if first is None:
        raise BundleError("no event is chosen, so there is nothing to write", bundle=str(path))
    yield first
    yield from chosen
