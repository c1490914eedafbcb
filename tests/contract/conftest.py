"""The ledger that a store's tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provider.store.event_store import SqlEventStore
from tests.contract.store_support import opened


@pytest.fixture
def store(database_url: str) -> Iterator[SqlEventStore]:
    """Give an empty ledger that reads seven events at once, so that few events make many pages."""
    with opened(database_url, page=7) as made:
        yield made
