"""The keys that the ledger made for itself at its migration; they leave the database only for its workers."""

from __future__ import annotations

from sqlalchemy import select

from provider.domain.errors import SchemaError
from provider.store.database import Database
from provider.store.tables import ledger_keys

TOKENS = "sandbox-token"


def read_token_key(database: Database) -> bytes:
    """Return the key that the tokens of sandboxes are made from, the same for every worker of the ledger."""
    with database.reading() as connection:
        secret = connection.execute(
            select(ledger_keys.c.secret).where(ledger_keys.c.purpose == TOKENS)
        ).scalar_one_or_none()
    if not secret:
        raise SchemaError(f"database {database.name}: it has no key for tokens; restore `ledger_keys` from a backup")
    return str(secret).encode()
