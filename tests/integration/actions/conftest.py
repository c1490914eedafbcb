"""Operators on one ledger with the fake engine, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.actions.floor import Floor


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """Give an empty ledger with a worker and an operator."""
    made = Floor(database_url)
    yield made
    made.close()
