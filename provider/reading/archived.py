"""What to say of events that are no longer in the database but in an archive. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from provider.domain.archives import ArchiveRow
from provider.domain.log import RecordedEvent
from provider.domain.wording import count_of
from provider.ports.reading.sandboxes import SandboxRecord


def count_archived(record: SandboxRecord, history: Sequence[RecordedEvent]) -> int:
    """Count a sandbox's events that are no longer in the database."""
    return (history[0].version if history else record.version + 1) - 1


def tell_archived(
    record: SandboxRecord, history: Sequence[RecordedEvent], archives: Sequence[ArchiveRow]
) -> str | None:
    """Describe how many of a sandbox's events are in which archives; None when none is."""
    count = count_archived(record, history)
    concerned = [row for row in archives if row.through_recorded_at >= record.created_at]
    if not count or not concerned:
        return None
    return f"{count_of(count, 'earlier event')} {'is' if count == 1 else 'are'} in {_name(concerned)}"


def tell_log_archived(archives: Sequence[ArchiveRow]) -> str | None:
    """Describe which part of the log is in which archives; None when none is."""
    if not archives:
        return None
    return f"events up to {archives[-1].through.position} are in {_name(archives)}"


def _name(archives: Sequence[ArchiveRow]) -> str:
    first, last = archives[0].bundle, archives[-1].bundle
    return f"archive {first}" if len(archives) == 1 else f"archives {first} to {last}"
