"""Extracts: a chosen part of a log that can be read by itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.domain.archives import Baseline
from provider.domain.errors import BundleError
from provider.domain.ids import sandbox_stream, worker_stream
from provider.domain.log import RecordedEvent, format_timestamp, parse_timestamp

_WORKER = worker_stream("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What an extract has: the events behind `after` up to `through`, of all streams or of these."""

    after: int
    through: int
    streams: frozenset[str] | None = None


def streams_of(sandbox_id: str, history: Iterable[RecordedEvent]) -> frozenset[str]:
    """Name the streams that tell a sandbox's story: its own, and those of the workers in it."""
    streams = {sandbox_stream(sandbox_id)}
    for recorded in history:
        worker_id = getattr(recorded.event, "worker_id", None)
        if worker_id is not None:
            streams.add(worker_stream(worker_id))
        if recorded.actor.startswith(_WORKER):
            streams.add(recorded.actor)
    return frozenset(streams)


def describe_extract(selection: Selection, baseline: Baseline, after_at: datetime) -> Mapping[str, Any]:
    """Write what the header of an extract's bundle says of it."""
    return {
        "streams": None if selection.streams is None else sorted(selection.streams),
        "through": selection.through,
        "after_recorded_at": format_timestamp(after_at),
        "baseline": base64.b64encode(baseline.packed).decode("ascii"),
        "baseline_sha256": baseline.sha256,
    }


def read_baseline(extract: Mapping[str, Any]) -> tuple[Baseline, datetime]:
    """Read the baseline and its time out of a header; raise `BundleError` for one that is none."""
    try:
        packed = base64.b64decode(extract["baseline"], validate=True)
        return Baseline(packed, str(extract["baseline_sha256"])), parse_timestamp(extract["after_recorded_at"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BundleError("its header has no baseline that can be read") from None
