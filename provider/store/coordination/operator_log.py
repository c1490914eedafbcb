"""Finding an operator's request again by its idempotency key, and what came of it."""

from __future__ import annotations

from provider.domain.log import RecordedEvent
from provider.store.database import Database
from provider.store.log.reader import find_by_command, find_completion


class SqlOperatorLog:
    """Reads requests and outcomes from the log. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_command(self, command_id: str) -> RecordedEvent | None:
        """Find the event that was recorded under an idempotency key."""
        with self._database.reading() as connection:
            return find_by_command(connection, command_id)

    def find_completion(self, requested: RecordedEvent) -> RecordedEvent | None:
        """Find the outcome of an operator's request; None while there is none."""
        with self._database.reading() as connection:
            return find_completion(connection, requested)
