"""A log that was changed by force is found out, with the position of the first event that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from provider.domain import events as ev
from provider.domain.errors import CorruptLogError
from provider.domain.ids import sandbox_stream
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences, rebuild
from tests.contract.store_support import AUTHOR, SANDBOX, append, born, execute, tamper

STREAM = sandbox_stream(SANDBOX)
SWAP = (
    "UPDATE events SET position = -position, version = -version WHERE version IN (2, 3)",
    "UPDATE events SET position = 5 + position, version = 5 + version WHERE version < 0",
)
EVERYWHERE: dict[str, tuple[tuple[str, ...], int]] = {
    "changed data": (("UPDATE events SET data = '{\"generation\": 7}' WHERE position = 3",), 3),
    "changed actor": (("UPDATE events SET actor = 'operator:eve' WHERE position = 2",), 2),
    "changed time": (("UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000Z' WHERE position = 2",), 2),
    "changed type": (("UPDATE events SET type = 'SandboxExploded' WHERE position = 3",), 3),
    "changed schema version": (("UPDATE events SET schema_version = 2 WHERE position = 3",), 3),
    "changed key": (("UPDATE events SET command_id = 'k' WHERE position = 3",), 3),
    "changed hash": (("UPDATE events SET hash = 'x' WHERE position = 3",), 3),
    "no object": (("UPDATE events SET data = '[]' WHERE position = 3",), 3),
    "first deleted": (("DELETE FROM events WHERE position = 1",), 2),
    "middle deleted": (("DELETE FROM events WHERE position = 3",), 4),
    "last deleted": (("DELETE FROM events WHERE position = 4",), 4),
    "all deleted": (("DELETE FROM events",), 4),
    "swapped": (SWAP, 2),
}
SQLITE: dict[str, tuple[tuple[str, ...], int]] = {
    "no JSON": (("UPDATE events SET data = '{\"generation\": 1' WHERE position = 3",), 3),
    "not a number": (("UPDATE events SET data = '{\"generation\": NaN}' WHERE position = 3",), 3),
    "too deep": ((f"UPDATE events SET data = '{'[' * 100_000}' WHERE position = 3",), 3),
    "no time": (("UPDATE events SET recorded_at = 'yesterday' WHERE position = 3",), 3),
    "time without zone": (("UPDATE events SET recorded_at = '2026-01-01T00:00:00' WHERE position = 3",), 3),
}
ENDS = {"last deleted": 3, "all deleted": 0}
"""Where a stream's own reader notices what is missing: behind the last event it found."""


def position_of(read: Callable[[], object]) -> int:
    with pytest.raises(CorruptLogError, match="altered or damaged") as found:
        read()
    return found.value.position


def test_every_damage_is_found_by_every_reader(store: SqlEventStore) -> None:
    append(store, *born())
    execute(store, "CREATE TABLE kept AS SELECT * FROM events")
    known = EVERYWHERE | SQLITE if store.database.is_sqlite else EVERYWHERE
    for name, (statements, position) in known.items():
        tamper(store, *statements)
        assert position_of(lambda: list(store.read_all())) == position, name
        assert position_of(lambda: rebuild(store.database)) == position, name
        assert position_of(lambda: find_differences(store.database)) == position, name
        assert position_of(lambda: list(store.read_stream(STREAM))) == ENDS.get(name, position), name
        tamper(store, "DELETE FROM events", "INSERT INTO events SELECT * FROM kept")
        assert find_differences(store.database) == [], name


def test_a_reader_that_starts_behind_the_gap_sees_it_too(store: SqlEventStore) -> None:
    append(store, *born())
    tamper(store, "DELETE FROM events WHERE position = 2")
    assert position_of(lambda: list(store.read_all(2))) == 3
    assert position_of(lambda: list(store.read_stream(STREAM, 2))) == 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FromTheFuture(ev.Event):
    """An event that only a newer version knows."""


@pytest.fixture
def future() -> Iterator[None]:
    ev.event(FromTheFuture)
    yield
    ev.REGISTRY.pop("FromTheFuture", None)


@pytest.mark.usefixtures("future")
def test_an_event_of_a_newer_version_is_no_damage(store: SqlEventStore) -> None:
    append(store, *born())
    store.append("ledger", 0, [FromTheFuture()], AUTHOR)
    del ev.REGISTRY["FromTheFuture"]
    with pytest.raises(CorruptLogError, match=r"unknown event type 'FromTheFuture'.*install that one") as found:
        list(store.read_all())
    assert found.value.position == 5
