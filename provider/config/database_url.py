"""Bring `database.url` into the one form that every process understands the same way."""

from __future__ import annotations

import re
from pathlib import Path

from provider.config.place import KeyPlace

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,30})://")
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg://"


def normalise_url(url: str, directory: Path, place: KeyPlace) -> str:
    """Make a SQLite path absolute, below `directory` if relative, and name PostgreSQL's driver."""
    if not url.isprintable():
        raise place.error("must not contain control characters")
    if url == "sqlite://" or url.startswith(_SQLITE):
        return _absolute_sqlite(url, directory, place)
    if url.startswith("postgresql://"):
        return _POSTGRESQL + url.removeprefix("postgresql://")
    if url.startswith(_POSTGRESQL):
        return url
    match = _SCHEME.match(url)
    found = f"has the scheme {match[1]}://" if match else "has no scheme"
    raise place.error(f"{found}, must be sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE")


def _absolute_sqlite(url: str, directory: Path, place: KeyPlace) -> str:
    name, mark, query = url.removeprefix(_SQLITE).partition("?")
    if url == "sqlite://" or name in ("", ":memory:") or name.startswith("file:") or "mode=memory" in query:
        raise place.error(
            "must name a plain file, such as sqlite:///sandbox-ledger.db: several processes share the ledger, "
            "so it cannot be in memory"
        )
    path = str(directory / name)
    if "?" in path:
        raise place.error("the path of the directory has a question mark, which a database URL cannot hold")
    return f"{_SQLITE}{path}{mark}{query}"


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite ledger; None for another database."""
    return Path(url.removeprefix(_SQLITE).partition("?")[0]) if url.startswith(_SQLITE) else None
