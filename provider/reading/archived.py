"""What to say of a sandbox whose first events are in an archive. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from provider.domain.archives import ArchiveRow
from provider.domain.log import RecordedEvent
from provider.ports.reading.sandboxes import SandboxRecord


def count_archived(record: SandboxRecord, history: Sequence[RecordedEvent]) -> int:
    """Count a sandbox's events that are no longer in the database."""
    return (history[0].version if history else record.version + 1) - 1


def tell_archived(
    record: SandboxRecord, history: Sequence[RecordedEvent], archives: Sequence[ArchiveRow]
) -> str | None:
    """Say how many events are in which archives; None when none is."""
    count = count_archived(record, history)
    names = [row.bundle for row in archives if row.through_recorded_at >= record.created_at]
    if not count or not names:
        return None
    where = f"archive {names[0]}" if len(names) == 1 else f"archives {names[0]} to {names[-1]}"
    return f"{count} earlier event{'s are' if count > 1 else ' is'} in {where}"
