"""A ledger with a past for the tests of the read side, and its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import event

from provider.bootstrap import open_reports
from provider.config.settings import DatabaseSettings, Settings
from provider.ports.reading.paging import Page
from provider.reading.reports import Reports
from provider.store.log.event_store import SqlEventStore

Item = TypeVar("Item")
EVENTS = 3000


@contextmanager
def reading(store: SqlEventStore) -> Iterator[Reports]:
    """Open the read side of a store's ledger."""
    reports = open_reports(Settings(database=DatabaseSettings(url=store.database.url)))
    try:
        yield reports
    finally:
        reports.close()


def walk(page: Callable[[str | None], Page[Item]], key: Callable[[Item], object] = repr) -> list[Item]:
    """Go through all pages, and back again, which must show the same; `key` tells what must be the same of an item."""
    shown, cursor = list[Item](), None
    pages: list[Page[Item]] = []
    while True:
        pages.append(page(cursor))
        shown += pages[-1].items
        cursor = pages[-1].next
        if cursor is None:
            break
    assert pages[0].previous is None
    for expected, later in zip(reversed(pages[:-1]), reversed(pages[1:]), strict=True):
        assert later.previous is not None
        back = page(later.previous)
        assert [key(one) for one in back.items] == [key(one) for one in expected.items]
        assert back.next is not None
    return shown


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements that are run meanwhile, on any engine of SQLAlchemy."""
    from sqlalchemy import Engine

    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
