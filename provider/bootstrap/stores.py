"""From the settings to an open ledger."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from provider.store.database import open_database
from provider.store.engine import wal_is_safe
from provider.store.log.event_store import SqlEventStore
from provider.store.migrate import ensure_schema

if TYPE_CHECKING:
    from provider.config.settings import Settings
    from provider.domain.seals import SealKey

logger = logging.getLogger(__name__)


def open_store(settings: Settings, *, migrate: bool = True) -> SqlEventStore:
    """Open the ledger; with `migrate`, an empty database gets its schema and a foreign one is refused."""
    url = settings.database.url
    if url.startswith("sqlite") and not wal_is_safe():
        logger.warning(
            "the SQLite library in use can corrupt a WAL database with several writers: journal mode stays TRUNCATE; "
            "install pysqlite3 >= 0.6.1",
            extra={"action": "open_store"},
        )
    database = open_database(url, synchronous=settings.database.synchronous)
    if migrate:
        with undone_on_error(database.close):
            ensure_schema(database)
    return SqlEventStore(database)


def find_seal_key(settings: Settings) -> SealKey | None:
    """Return the configured key of the seals' HMAC; None where there is none."""
    from provider.domain.seals import SealKey

    key = settings.audit.seal_key
    return SealKey.from_text(key) if key is not None else None


@contextlib.contextmanager
def undone_on_error(undo: Callable[[], None]) -> Iterator[None]:
    """Undo what was opened before when the block raises."""
    try:
        yield
    except BaseException:
        undo()
        raise
