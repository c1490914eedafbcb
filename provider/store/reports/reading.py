"""How every report reads: rows of one statement, or of several that see one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from provider.store.engine import read_snapshot, translated

Answer = TypeVar("Answer")


class Reading:
    """A database to read from. Nothing is held between two questions; errors of the driver are `StoreUnavailable`."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url

    @property
    def url(self) -> str:
        """The database URL, with its password."""
        return self._url

    def once(self, question: Callable[[Connection], Answer]) -> Answer:
        """Ask one statement."""
        with translated(self._url), self._engine.connect() as connection:
            return question(connection)

    def at_one_moment(self, question: Callable[[Connection], Answer]) -> Answer:
        """Ask several statements that all see the same moment; no writer waits."""
        with translated(self._url), read_snapshot(self._engine) as connection:
            return question(connection)


def values(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Turn a row's mapping into arguments."""
    return {str(name): value for name, value in row.items()}
