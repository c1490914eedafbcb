"""What is told of the time before and after the cut, once the oldest part of the log is archived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from provider.bootstrap.insights import make_insights
from provider.domain.errors import InvalidPositionError
from provider.domain.state import Generation
from provider.ports.reading.sandboxes import SandboxRecord
from provider.reading.archived import count_archived, tell_archived
from provider.reading.narrative import tell_ending
from provider.reading.past import look_back
from provider.store.log.event_store import SqlEventStore
from provider.store.reports.past import SqlPast
from tests.contract.archive_support import (
    archive,
)
from tests.contract.store_support import SANDBOX


def look(store: SqlEventStore, as_of: datetime | int) -> tuple[list[SandboxRecord], list[Sequence[Generation]]]:
    """Return how all sandboxes were, with their containers."""
    past = look_back(make_insights(store), SqlPast(store.database), as_of)
    records = list(past.each_sandbox(None))
    assert records == [past.get(record.sandbox_id) for record in records]
    return records, [past.list_generations(record.sandbox_id) for record in records]


def test_the_ledger_as_it_was_is_told_from_the_cut_on(storied: SqlEventStore, tmp_path: Path) -> None:
    log = list(storied.read_all())
    then = [look(storied, position) for position in range(7, len(log) + 1)]
    moment = look(storied, log[9].recorded_at)
    archive(storied, 3, tmp_path)
    archive(storied, 7, tmp_path)
    assert [look(storied, position) for position in range(7, len(log) + 1)] == then
    assert look(storied, log[9].recorded_at) == moment
    for too_early in (6, log[0].recorded_at - timedelta(seconds=1)):
        with pytest.raises(InvalidPositionError, match=r"begins behind event 7, those before are in .*gz; import"):
            look(storied, too_early)


def test_what_is_told_of_a_sandbox_names_its_archives(storied: SqlEventStore, tmp_path: Path) -> None:
    insights = make_insights(storied)
    record = insights.get(SANDBOX)
    assert tell_archived(record, insights.history(SANDBOX), insights.list_archives()) is None
    for through, count in ((2, "1 earlier event is in archive"), (7, "6 earlier events are in archives")):
        archive(storied, through, tmp_path)
        told = tell_archived(record, insights.history(SANDBOX), insights.list_archives())
        assert told is not None
        assert told.startswith(count)
        assert insights.list_archives()[-1].bundle in told
    archive(storied, storied.head_position(), tmp_path)
    assert insights.history(SANDBOX) == []
    assert count_archived(record, []) == record.version
    ending = insights.find_ending(record)
    assert ending is not None
    assert any("Exit code 137" in fact for fact in tell_ending(ending, storied.now()).facts)
