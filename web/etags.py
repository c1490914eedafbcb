"""Entity tags: by which a reader asks whether anything changed, and an operator says what they decided on."""

from __future__ import annotations

import hashlib
import re
import time

from provider.ports.reading.sandboxes import SandboxRecord

REFRESH_SECONDS = 15
"""Ages, rates and the numbers of the last hour change although nothing happens."""
IF_MATCH = r'^(\*|"[0-9]{1,15}(\.[0-9]{1,20})?")$'


def ledger_tag(position: int, *parts: object, by_time: bool = True) -> str:
    """Return the tag of what is made from the log up to `position` and these parts, and where it ages from the time.

    Read the position before what it stands for: what happens in between is told the next time, never missed.
    """
    period = int(time.time()) // REFRESH_SECONDS if by_time else None
    return hashlib.sha256(repr((position, period, parts)).encode()).hexdigest()[:24]


def sandbox_tag(record: SandboxRecord) -> str:
    """Return a sandbox's tag: use alone changes the tag, but not the version that stands in front."""
    used = record.last_activity_at
    return f"{record.version}.{int(used.timestamp() * 1_000_000)}" if used is not None else str(record.version)


def version_in(tag: str | None) -> int | None:
    """Return the version in an `If-Match` that matches `IF_MATCH`; None where any will do."""
    if tag is None or tag == "*":
        return None
    found = re.match(r'"([0-9]+)', tag)
    assert found is not None  # noqa: S101 - the parameter's pattern saw to that
    return int(found[1])
