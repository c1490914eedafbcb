"""A ledger on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.cli.ledger import Ledger


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """Give an empty ledger."""
    made = Ledger(database_url)
    yield made
    made.close()
