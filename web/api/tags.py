"""Entity tags of sandboxes: the version that an action may be bound to, and when it was last used."""

from __future__ import annotations

import re

from provider.ports.reading.sandboxes import SandboxRecord

IF_MATCH = r'^(\*|"[0-9]{1,15}(\.[0-9]{1,20})?")$'


def tag_of(record: SandboxRecord) -> str:
    """Make a sandbox's tag: use alone changes the tag, but not the version that stands in front."""
    used = record.last_activity_at
    return f"{record.version}.{int(used.timestamp() * 1_000_000)}" if used is not None else str(record.version)


def version_in(tag: str | None) -> int | None:
    """Read the version out of an `If-Match`; None where any will do."""
    if tag is None or tag == "*":
        return None
    found = re.match(r'"([0-9]+)', tag)
    assert found is not None  # noqa: S101 - the parameter's pattern saw to that
    return int(found[1])
