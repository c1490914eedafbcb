"""The sample of the projections that is compared with the log."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from provider.domain.errors import CorruptLogError
from provider.reading.reports import Reports
from provider.store.log.event_store import SqlEventStore
from tests.bench.bulk import fill
from tests.bench.generate import History
from tests.contract.archive_support import archive
from tests.contract.store_support import OTHER, SANDBOX, append, born, died, execute, tamper


def test_nothing_differs_on_a_healthy_ledger(store: SqlEventStore, reports: Reports) -> None:
    assert reports.system.check_projections().sandboxes == 0
    fill(store, History(3_000, span=timedelta(days=1)))
    check = reports.system.check_projections(40)
    assert check.differences == ()
    assert check.sandboxes == 40
    assert check.events >= 40


def test_only_the_last_ones_are_compared(store: SqlEventStore, reports: Reports) -> None:
    append(store, *born())
    append(store, *born(sandbox_id=OTHER), sandbox_id=OTHER)
    execute(store, f"UPDATE sandboxes SET user_id = 'mallory' WHERE sandbox_id = '{SANDBOX}'")
    assert reports.system.check_projections(1).differences == ()
    (difference,) = reports.system.check_projections(2).differences
    assert all(word in difference for word in (SANDBOX, "user_id", "'mallory'", "'alice'"))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE generations SET host = 'elsewhere'", "host is 'elsewhere'"),
        ("UPDATE sandboxes SET status = 'gone', holders = '[]'", "status is 'gone'"),
        ("DELETE FROM generations", "not in the projection"),
        (f"INSERT INTO generations SELECT sandbox_id, 2, {'{rest}'} FROM generations", "not in the log"),
    ],
)
def test_what_was_altered_is_told(store: SqlEventStore, reports: Reports, statement: str, told: str) -> None:
    append(store, *born())
    rest = "backend, image, cause, container_name, creating_at, removal_failures"
    execute(store, statement.replace("SELECT", f"(sandbox_id, generation, {rest}) SELECT").replace("{rest}", rest))
    assert any(told in one for one in reports.system.check_projections().differences)


def test_activity_is_no_difference(store: SqlEventStore, reports: Reports) -> None:
    append(store, *born())
    execute(store, "UPDATE sandboxes SET last_activity_at = created_at")
    assert reports.system.check_projections().differences == ()


def test_what_began_in_an_archive_is_passed_over(store: SqlEventStore, reports: Reports, tmp_path: Path) -> None:
    append(store, *born())
    append(store, *died(store))
    through = store.head_position()
    append(store, *born(2))
    append(store, *born(sandbox_id=OTHER), sandbox_id=OTHER)
    archive(store, through, tmp_path)
    check = reports.system.check_projections()
    assert (check.sandboxes, check.differences) == (1, ())


def test_a_damaged_event_is_no_answer(store: SqlEventStore, reports: Reports) -> None:
    append(store, *born())
    tamper(store, "UPDATE events SET actor = 'mallory' WHERE position = 2")
    with pytest.raises(CorruptLogError, match="2"):
        reports.system.check_projections()
